"""Arranges a download by students' folders, where names of files do not say whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from grader.course import Course
from grader.intake.archives import is_archive
from grader.intake.entries import Entry
from grader.intake.flat import unfolded
from grader.intake.gradescope import METADATA, read_metadata
from grader.intake.layout import Layout, students_level
from grader.intake.loose import TABLES, no_student, not_one_persons
from grader.intake.packed import packed_stem
from grader.intake.people import Teams
from grader.intake.source import Source


@dataclass(frozen=True)
class Arranged:
    """The files by student, and what was found out on the way."""

    entries: list[Entry]
    """The path of each begins with a student's folder or archive."""
    layout: Layout
    unmatched: list[str]
    """What lies in no student's folder, and why it is nobody's; a line each."""
    named: list[str]
    """Students by the names of files that lie in no folder of theirs."""
    submitters: Teams | None
    """Who handed in which `submission_12345`, where Gradescope's list is there."""


def arrange(
    entries: Sequence[Entry], source: Source, course: Course, *, first: bool, level: int
) -> Arranged:
    """Let each path begin with a student's folder or archive; leave out what has none.

    Args:
        entries: what the download holds.
        source: from which the names in its archives are read.
        course: whose exercises' files tell where students' folders lie.
        first: whether the first folder is known to be a student's.
        level: the depth of the students' folders, the outermost being 1; 0: it is to be found out.

    Raises:
        GraderError: it can be read in two ways.
    """
    files = {each.id: each.all_files for each in course.exercises}
    names = {name for some in files.values() for name in some}
    paths, named = [entry.path for entry in entries], list[str]()
    if not first and not level:
        paths, named = unfolded(paths, names)
    layout = students_level(paths, source.path.stem, names, files, first=first, level=level)
    placed = [replace(e, path=path) for e, path in zip(entries, layout.paths, strict=True)]
    lone = [entry for entry in placed if len(entry.path.parts) == 1 and not entry.empty]
    nobodys = _nobodys(lone, source, course)
    kept = [
        entry
        for entry in placed
        if entry.path.parts and entry.path.name != METADATA and entry not in nobodys
    ]
    tables = {entry for entry in nobodys if entry.path.suffix.lower() in TABLES}
    unmatched = [why for entry, why in nobodys.items() if entry not in tables]
    return Arranged(kept, layout, unmatched, named, _submitters(lone, source))


def _nobodys(lone: Sequence[Entry], source: Source, course: Course) -> dict[Entry, str]:
    """Return those that lie in no folder and name no student, or hold several students' work."""
    found = {
        entry: f"{entry.path} lies in no student's folder, and names no student"
        for entry in lone
        if entry.path.name != METADATA and no_student(packed_stem(entry.path.name), course)
    }
    archives = {
        entry.number: entry
        for entry in lone
        if entry.number is not None and is_archive(entry.path.name)
    }
    for number, why in not_one_persons(source.inside(list(archives)), course).items():
        found[archives[number]] = f"{archives[number].path} {why}"
    return found


def _submitters(lone: Sequence[Entry], source: Source) -> Teams | None:
    for entry in lone:
        if entry.path.name == METADATA and entry.number is not None:
            for _, contents in source.read([entry.number], [""], frozenset()):
                for _, data in contents.files:
                    return read_metadata(data)
    return None
