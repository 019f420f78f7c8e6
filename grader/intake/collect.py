"""Sorts what was handed over by student and exercise; the newest attempt counts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from grader.course import Course
from grader.errors import GraderError
from grader.intake.archives import MAX_FILE, BadArchive, is_archive, members, members_or_faults
from grader.intake.names import FORMATS, Owned, guess
from grader.intake.notebooks import files_of_notebook


@dataclass
class Collected:
    """What is to be written, and what was left over."""

    kind: str
    files: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    """By student and exercise: file names and contents."""
    students: set[str] = field(default_factory=set)
    """All who handed in anything, also what could not be used."""
    late: set[tuple[str, str]] = field(default_factory=set)
    """Whose newest attempt, of which exercise, the LMS marked as late."""
    stamps: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """When it was handed in, where the source says so: the text of nbgrader's timestamp.txt."""
    unmatched: list[str] = field(default_factory=list)
    """Files that belong to nobody or to no exercise, and why; a line each."""
    problems: list[str] = field(default_factory=list)
    """What somebody handed in and could not be read; a line each."""
    older: list[str] = field(default_factory=list)
    """Attempts that a newer one replaces."""


def collect(source: Path, course: Course, kind: str = "auto", exercise: str = "") -> Collected:
    """Sort what lies in `source`, a folder or an archive.

    Args:
        source: what an LMS's download, a folder of repositories or nbgrader holds.
        course: whose exercises are looked for.
        kind: a key of FORMATS, or `auto`.
        exercise: look for the files of this exercise alone.

    Raises:
        GraderError: `source` cannot be read at all.
    """
    items = list(_items(source))
    if not items:
        raise GraderError(f"{source} holds no files", "Name the download of your LMS, or a folder.")
    used = guess([path for path, _ in items]) if kind == "auto" else kind
    found = Collected(used)
    owned = []
    owners = {path: FORMATS[used](path) for path, _ in items}
    names = _short_names({owner.student for owner in owners.values() if owner}, used)
    for path, data in items:
        owner = owners[path]
        if owner is None:
            found.unmatched.append(f"{path}: no student's name is in it")
        elif isinstance(data, BadArchive):
            found.students.add(clean_name(names[owner.student]))
            found.problems.append(f"{path} {data}")
        elif stamped := _stamped_exercise(owner, used, course):
            found.stamps[clean_name(names[owner.student]), stamped] = data
        else:
            owned.append((owner, data))
    wanted = course.exercise(exercise).id if exercise else ""
    candidates: dict[tuple[str, str], dict[tuple[str, int], _Attempt]] = {}
    for owner, data in owned:
        student = clean_name(names[owner.student])
        found.students.add(student)
        for number, name, content in _contents(owner, data, course, wanted, found):
            attempts = candidates.setdefault((student, number), {})
            attempt = attempts.setdefault(owner.attempt, _Attempt(owner.submitted))
            attempt.files[name] = content
            attempt.late |= owner.late
    _take_newest(candidates, found)
    return found


def _take_newest(
    candidates: dict[tuple[str, str], dict[tuple[str, int], _Attempt]], found: Collected
) -> None:
    """Of each submission the last attempt, with what the source says of its time."""
    for key, attempts in candidates.items():
        newest = attempts[max(attempts)]
        found.files[key] = newest.files
        if newest.late:
            found.late.add(key)
        if newest.submitted is not None:  # in this machine's zone, as the LMS is taken to be
            found.stamps[key] = f"{newest.submitted.astimezone():%Y-%m-%d %H:%M:%S %z}\n".encode()
        found.older += [f"{key[0]} {key[1]}: an older attempt"] * (len(attempts) - 1)


@dataclass
class _Attempt:
    """What somebody handed in for an exercise at one time."""

    submitted: datetime | None
    files: dict[str, bytes] = field(default_factory=dict)
    late: bool = False


def _stamped_exercise(owner: Owned, kind: str, course: Course) -> str:
    """Of nbgrader's STUDENT/NN/timestamp.txt the exercise, of other files nothing."""
    if kind != "folder" or owner.path.name != "timestamp.txt":
        return ""
    return next((each.id for each in course.exercises if each.id in owner.path.parts), "")


def clean_name(name: str) -> str:
    """A student's name as a folder can have it on every system."""
    kept = "".join(c if c.isprintable() and c not in '/\\:*?"<>|' else "_" for c in name)
    return kept.strip(". ")[:100] or "_"


def _items(source: Path) -> Iterator[tuple[PurePosixPath, bytes | BadArchive]]:
    """Each file with its path, and its content or why it is not taken."""
    if source.is_dir():
        fault = BadArchive(f"is a link, a device or larger than {MAX_FILE >> 20} MB")
        for folder, folders, names in os.walk(source):
            folders[:] = sorted(each for each in folders if each not in (".git", "__MACOSX"))
            for name in sorted(names):
                path = Path(folder) / name
                plain = path.is_file() and not path.is_symlink() and path.stat().st_size <= MAX_FILE
                inside = PurePosixPath(path.relative_to(source).as_posix())
                yield inside, path.read_bytes() if plain else fault
        return
    if not source.is_file():
        raise GraderError(f"{source} does not exist", "Name the download of your LMS, or a folder.")
    if not is_archive(source.name):
        raise GraderError(f"{source} is no zip or tar archive", "Unpack it, and name the folder.")
    try:
        for inside, data in members_or_faults(source.read_bytes(), source.name):
            if "__MACOSX" not in inside.parts:
                yield inside, data
    except BadArchive as error:
        raise GraderError(f"{source} {error}", "Unpack it yourself, and name the folder.") from None


def _contents(
    owner: Owned, data: bytes, course: Course, wanted: str, found: Collected
) -> Iterable[tuple[str, str, bytes]]:
    """Exercise, file name and content of each usable file in what was handed in."""
    who = f"{owner.student}: {owner.path}"
    if is_archive(owner.path.name):
        try:
            inner = members(data, owner.path.name)
        except BadArchive as error:
            found.problems.append(f"{who} {error}")
            return []
    else:
        inner = [(owner.path, data)]
    usable = []
    for path, content in inner:
        if path.suffix == ".ipynb":
            try:
                cells = files_of_notebook(content, course)
            except ValueError as error:
                found.problems.append(f"{who} {error}")
                continue
            usable += [(number, name, text) for (number, name), text in cells.items()]
        else:
            usable += [(number, path.name, content) for number in _exercises_of(path, course)]
    usable = [each for each in usable if not wanted or each[0] == wanted]
    if not usable:
        found.unmatched.append(f"{who} is no file of an exercise")
    return usable


def _exercises_of(path: PurePosixPath, course: Course) -> list[str]:
    """The exercise that a file belongs to: by its name, and by its folder where that tells."""
    by_name = [each.id for each in course.exercises if path.name in each.files]
    by_folder = [number for number in by_name if number in path.parts]
    return by_folder or by_name


def _short_names(names: set[str], kind: str) -> dict[str, str]:
    """Each name without what the source puts before it; no two become one."""
    short = {name: name for name in names}
    if kind == "github":
        prefix = _common_prefix(names)
        short = {name: name.removeprefix(prefix) for name in names}
    elif kind == "moodle":
        # `Group A-Jane Doe`: in a course with groups, everybody's name begins with one.
        groups = Counter(name.partition("-")[0] for name in names)
        if all("-" in name and groups[name.partition("-")[0]] > 1 for name in names):
            short = {name: name.partition("-")[2] for name in names}
    return short if len(set(short.values())) == len(names) else {name: name for name in names}


def _common_prefix(names: set[str]) -> str:
    """What all names begin with, word by word: the name of a GitHub Classroom assignment."""
    if len(names) < 2:  # noqa: PLR2004 - one name has nothing in common with another
        return ""
    words = []
    for column in zip(*(name.split("-")[:-1] for name in sorted(names)), strict=False):
        if len(set(column)) > 1:
            break
        words.append(f"{column[0]}-")
    return "".join(words)
