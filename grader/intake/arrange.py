"""Arranges a download by students' folders, where names of files do not say whose they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from grader.course import EXERCISES, Course
from grader.errors import GraderError
from grader.intake.archives import is_archive
from grader.intake.classroom import known_again, of_classroom
from grader.intake.dates import without_stamp
from grader.intake.entries import Entry
from grader.intake.flat import unfolded, without_owners
from grader.intake.gradescope import METADATA, is_submission, read_metadata
from grader.intake.layout import Layout, students_level
from grader.intake.loose import holding_several, is_beside_work, no_student, not_one_persons
from grader.intake.packed import MAIL, packed_stem
from grader.intake.parts import owner_of
from grader.intake.people import Teams, merged
from grader.intake.source import Source
from grader.intake.tops import (
    late_of,
    not_told_apart,
    versions,
    without_branch,
    without_branches,
    without_shared_words,
    words_of,
    work_before,
)

_LOOSE = "lies in no student's folder, and names no student"
_MAIL = "is an e-mail; save what is attached into a folder called like its sender"


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
    flat: bool
    """True where the students' names were in those of files."""
    submitters: Teams | None
    """Who handed in which `submission_12345`, where Gradescope's list is there."""
    cloned: bool = False
    """True where they are GitHub Classroom's repositories, now called after their owners."""


def arrange(
    entries: Sequence[Entry],
    source: Source,
    course: Course,
    *,
    first: bool,
    level: int,
    people: Collection[str] = (),
    ask: bool = True,
) -> Arranged:
    """Let each path begin with a student's folder or archive; leave out what has none.

    Args:
        entries: what the download holds.
        source: from which the names in its archives are read.
        course: whose exercises' files tell where students' folders lie.
        first: whether the first folder is known to be a student's.
        level: the depth of the students' folders, the outermost being 1; 0: it is to be found out.
        people: the names of students' folders of earlier intakes.
        ask: whether to ask for whose repositories are that have a word before their owners' names.

    Raises:
        GraderError: it can be read in two ways.
    """
    files = {each.id: each.all_files for each in course.exercises}
    names = {name for some in files.values() for name in some}
    paths, named = [entry.path for entry in entries], list[str]()
    cloned = 0
    if not first:
        paths, cloned = of_classroom(paths, source.path.stem)
    if not first and not level and not cloned:
        paths, named = unfolded(paths, names, files)
    lists = _lists(entries, source)

    def look(numbers: Sequence[int]) -> dict[int, Sequence[PurePosixPath]]:
        at = {entries[n].number: n for n in numbers}
        known = [number for number in at if number is not None]
        return {at[number]: inside for number, inside in source.inside(known).items()}

    layout = students_level(
        *(paths, source.path.stem, names, files),
        first=first,
        level=level or cloned or (0 if first else _level_of_listed(entries, lists)),
        look=look,
    )
    below = without_owners(layout.paths, names)
    placed = [replace(e, path=path) for e, path in zip(entries, below, strict=True)]
    lone = [entry for entry in placed if len(entry.path.parts) == 1 and not entry.empty]
    nobodys = _nobodys(lone, source, course)
    kept = [
        entry
        for entry in placed
        if entry.path.parts and entry.path.name != METADATA and entry not in nobodys
    ]
    told = not_told_apart([entry.path for entry in kept])
    layout.torn.update(told.doubtful)
    kept = [entry for entry in kept if entry.path not in told.nobodys]
    around = len(PurePosixPath(*layout.around[:1]).parts) + 1
    if not first and not level and not cloned:
        _require_no_downloads(kept, source, course, around)
    tops = dict.fromkeys(owner_of(entry.path, 0) for entry in kept)
    short = {} if cloned else _without_shared(tops, course)
    if ask and not cloned and not first and not level:
        short |= _known_again(kept, short, people, words_of(course), around)
    late = late_of({short.get(name, name) for name in tops})
    numbered = versions({short.get(name, name) for name in tops})
    kept = [
        replace(entry, path=_as_attempt(_renamed(entry.path, short), numbered, late))
        for entry in kept
    ]
    unmatched = [why for entry, why in nobodys.items() if not is_beside_work(entry.path.name)]
    # In somebody's own folder a list is something handed in.
    submitters = merged([lists[e.number] for e in lone if e.number in lists])
    called = {
        numbered.get(name, without_stamp(name))[0]
        for name in (short.get(each, each) for each in (*named, *short))
    }
    lines = [*told.lines, *unmatched]
    if not first and submitters is None:
        _require_no_export(kept, listed=any(entry.path.name == METADATA for entry in entries))
    return Arranged(kept, layout, lines, sorted(called), bool(named), submitters, bool(cloned))


def _require_no_downloads(
    kept: Sequence[Entry], source: Source, course: Course, level: int
) -> None:
    """Refuse `Section A/download.zip`, where each folder holds an archive of several people's.

    Raises:
        GraderError: they may be folders around downloads.
    """
    archives: dict[str, list[Entry]] = defaultdict(list)
    for entry in kept:
        top = owner_of(entry.path, 0)
        archives[top] += (
            [entry] if len(entry.path.parts) > 1 and is_archive(entry.path.name) else []
        )
    shown: Entry | None = None
    for some in archives.values():
        numbers = [entry.number for entry in some if entry.number is not None]
        held = source.inside(numbers) if numbers else {}
        crowded = [e for e in some if e.number in held and holding_several(held[e.number], course)]
        if not crowded:
            return
        shown = shown or crowded[0]
    if shown is not None:
        top = shown.path.parts[0]
        raise GraderError(
            f"{top} may be a student, or a folder around {shown.path.name}, which holds several "
            "people's work",
            f"Take in {shown.path.name} by itself, or say --level {level} if {top} is a student.",
        )


def _without_shared(tops: Collection[str], course: Course) -> dict[str, str]:
    """Return by students' folders and archives the names without what is no part of them."""
    plain = without_branches(tops)
    short = without_shared_words([plain.get(name, name) for name in tops], words_of(course))
    called = {name: short.get(plain.get(name, name), plain.get(name, name)) for name in tops}
    return {name: who for name, who in called.items() if name != who}


def _require_no_export(kept: Sequence[Entry], *, listed: bool) -> None:
    """Refuse Gradescope's export without its list: nothing else tells whose a submission is.

    Raises:
        GraderError: the list is not there, or cannot be read.
    """
    tops = {owner_of(entry.path, 0) for entry in kept}
    if tops and all(map(is_submission, tops)):
        some = " and ".join(sorted(tops)[:2])
        raise GraderError(
            f"{METADATA} names nobody's submission, so whose {some} are is not known"
            if listed
            else f"{some} lie without Gradescope's {METADATA}, which names whose they are",
            "Export the submissions again and take in all of it; or call each folder after its "
            "student.",
        )


def _known_again(
    kept: Sequence[Entry],
    short: Mapping[str, str],
    people: Collection[str],
    work: Collection[str],
    level: int,
) -> dict[str, str]:
    """Return by folders' names the owners that the folders of earlier intakes tell."""
    names = {owner_of(entry.path, 0) for entry in kept}
    called = {short.get(name, name): name for name in names}
    whole = {owner_of(entry.path, 0) for entry in kept if EXERCISES in entry.path.parts[1:2]}
    if len(called) == 1:
        ((now, given),) = called.items()
        for each in (now, without_branch(now)):
            if name := work_before(each, people, work):
                return {given: name}
    found = known_again(called, people, repositories=whole == names, level=level)
    return {called[name]: who for name, who in found.items()}


def _renamed(path: PurePosixPath, short: Mapping[str, str]) -> PurePosixPath:
    """Return where a file lies when its student is called as `short` has it."""
    top, *inside = path.parts
    name = short.get(owner_of(path, 0))
    if name is None:
        return path
    return (
        PurePosixPath(name, *inside)
        if inside
        else path.with_name(top.replace(packed_stem(top), name))
    )


def _as_attempt(
    path: PurePosixPath, numbered: Mapping[str, tuple[str, int]], late: Mapping[str, str]
) -> PurePosixPath:
    """Return where `jdoe_v2.zip`, `jdoe_v2/...` or `Bo Li (late)/...` lies as the student's own."""
    top = owner_of(path, 0)
    inside = path.parts[1:] or (path.name,)
    if top in late:
        return PurePosixPath(late[top], "Version 1 - late", *inside)
    if top not in numbered:
        return path
    name, number = numbered[top]
    return PurePosixPath(name, f"Version {number}", *inside)


def _nobodys(lone: Sequence[Entry], source: Source, course: Course) -> dict[Entry, str]:
    """Return those that lie in no folder and name no student, or hold several students' work."""
    found = {
        entry: f"{entry.path} {_MAIL if entry.path.suffix.lower() in MAIL else _LOOSE}"
        for entry in lone
        if entry.path.name != METADATA and no_student(packed_stem(entry.path.name), course)
    }
    archives = {
        entry.number: entry
        for entry in lone
        if entry.number is not None and is_archive(entry.path.name)
    }
    stems = {number: packed_stem(entry.path.name) for number, entry in archives.items()}
    for number, why in not_one_persons(source.inside(list(archives)), stems, course).items():
        found[archives[number]] = f"{archives[number].path} {why}"
    return found


def _lists(entries: Sequence[Entry], source: Source) -> dict[int | None, Teams]:
    """Return Gradescope's lists of who made which submission, by the number of the file."""
    found: dict[int | None, Teams] = {}
    for entry in entries:
        if entry.path.name == METADATA and entry.number is not None:
            for _, contents in source.read([entry.number], [""], frozenset()):
                for _, data in contents.files:
                    if listed := read_metadata(data):
                        found[entry.number] = listed
    return found


def _level_of_listed(entries: Sequence[Entry], lists: Mapping[int | None, Teams]) -> int:
    """Return the depth of the folders that a list around the download names; 0: none does."""
    for entry in entries:
        listed = lists.get(entry.number)
        above = entry.path.parts[:-1]
        if listed is None or any(each.path.parts[: len(above)] != above for each in entries):
            continue
        deeper = [each.path.parts for each in entries if len(each.path.parts) > len(above) + 1]
        if deeper and all(listed.of(parts[len(above)]) for parts in deeper):
            return len(above) + 1
    return 0
