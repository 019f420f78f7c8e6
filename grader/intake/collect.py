"""Sorts what was handed over by student and exercise; the newest attempt counts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from grader.course import Course
from grader.errors import GraderError
from grader.intake.archives import MAX_FILE, BadArchive, is_archive, members, members_or_faults
from grader.intake.names import FORMATS, LASTING, Owned, guess
from grader.intake.notebooks import files_of_notebook
from grader.intake.students import Person, clean_name, folders, short_names
from grader.submission import TIMESTAMP


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
    """Attempts, or files of them, that a newer one replaces."""
    users: dict[str, str] = field(default_factory=dict)
    """By student: who that is in the LMS, such as `canvas 1001`, where its number never changes."""
    namesakes: list[str] = field(default_factory=list)
    """Students whose name somebody else has too: the number behind it tells them apart."""


_LEFT_ALONE = {".git", "__MACOSX"}
_Piece = tuple[Owned, str, bytes]
"""Whose, the file's name in the exercise, and its content."""


def collect(
    source: Path,
    course: Course,
    kind: str = "auto",
    exercise: str = "",
    known: Mapping[str, str] | None = None,
) -> Collected:
    """Sort what lies in `source`, a folder or an archive.

    Args:
        source: what an LMS's download, a folder of repositories or nbgrader holds.
        course: whose exercises are looked for.
        kind: a key of FORMATS, or `auto`.
        exercise: look for the files of this exercise alone.
        known: the `users` of earlier intakes, who keep their folders.

    Raises:
        GraderError: `source` cannot be read at all.
    """
    items = list(_items(source))
    if not items:
        raise GraderError(f"{source} holds no files", "Name the download of your LMS, or a folder.")
    ids = {each.id for each in course.exercises}
    used = guess([path for path, _ in items], ids) if kind == "auto" else kind
    found = Collected(used)
    owners = {path: FORMATS[used](path) for path, _ in items}
    students = _students([owner for owner in owners.values() if owner], found, known or {})
    wanted = course.exercise(exercise).id if exercise else ""
    handed_in: dict[tuple[str, str], list[_Piece]] = {}
    for path, data in items:
        owner = owners[path]
        if owner is None:
            found.unmatched.append(f"{path}: no student's name is in it")
            continue
        student = students[owner.student, owner.user]
        found.students.add(student)
        if isinstance(data, BadArchive):
            found.problems.append(f"{path} {data}")
        elif stamped := _stamped_exercise(owner, used, course):
            found.stamps[student, stamped] = data
        else:
            owner = replace(owner, student=student)
            for number, name, content in _contents(owner, data, course, wanted, found):
                handed_in.setdefault((student, number), []).append((owner, name, content))
    _take_newest(handed_in, found)
    return found


def _students(
    owners: Iterable[Owned], found: Collected, known: Mapping[str, str]
) -> dict[Person, str]:
    """The folder of everybody, by name and number as the source has them."""
    people = {(owner.student, owner.user) for owner in owners}
    short = short_names({name for name, _ in people}, found.kind)
    shown = {person: (short[person[0]], person[1]) for person in people}
    before = {who: student for student, who in known.items()}
    kept = {
        (name, user): before[who]
        for name, user in shown.values()
        if (who := f"{found.kind} {user}") in before
    }
    used = [student for student, who in known.items() if who.startswith(f"{found.kind} ")]
    chosen = folders(set(shown.values()), kept, used)
    for (name, user), student in chosen.items():
        if user and found.kind in LASTING:
            found.users[student] = f"{found.kind} {user}"
        if student != clean_name(name):
            found.namesakes.append(student)
    return {person: chosen[shown[person]] for person in people}


def _take_newest(handed_in: dict[tuple[str, str], list[_Piece]], found: Collected) -> None:
    """Of each submission the last attempt, with what the source says of its time.

    Where the source gives a time, an attempt is all that came then. Canvas gives none and numbers
    file by file, so there the newest of each file counts.
    """
    for (student, exercise), pieces in handed_in.items():
        times = {owner.attempt.time for owner, _, _ in pieces}
        found.older += [f"{student} {exercise}: an older attempt"] * (len(times) - 1)
        last = [piece for piece in pieces if piece[0].attempt.time == max(times)]
        newest: dict[str, _Piece] = {}
        for piece in sorted(last, key=lambda each: each[0].attempt):
            owner, name, _ = piece
            if name in newest and newest[name][0].attempt < owner.attempt:
                found.older.append(f"{student} {exercise}: an older {name}")
            newest[name] = piece
        found.files[student, exercise] = {name: data for name, (_, _, data) in newest.items()}
        if any(owner.late for owner, _, _ in newest.values()):
            found.late.add((student, exercise))
        submitted = last[0][0].submitted
        if submitted is not None:  # in this machine's zone, as the LMS is taken to be
            stamp = f"{submitted.astimezone():%Y-%m-%d %H:%M:%S %z}\n"
            found.stamps[student, exercise] = stamp.encode()


def _stamped_exercise(owner: Owned, kind: str, course: Course) -> str:
    """Of nbgrader's STUDENT/NN/timestamp.txt the exercise, of other files nothing.

    Elsewhere a file of that name is the student's own, and no word on when it came.
    """
    if kind != "nbgrader":
        return ""
    parts = owner.path.parts
    return next((e.id for e in course.exercises if parts == (e.id, TIMESTAMP)), "")


def _items(source: Path) -> Iterator[tuple[PurePosixPath, bytes | BadArchive]]:
    """Each file with its path, and its content or why it is not taken."""
    if source.is_dir():
        yield from _items_of_folder(source)
        return
    if not source.is_file():
        raise GraderError(f"{source} does not exist", "Name the download of your LMS, or a folder.")
    if not is_archive(source.name):
        raise GraderError(f"{source} is no zip or tar archive", "Unpack it, and name the folder.")
    try:
        for inside, data in members_or_faults(source.read_bytes(), source.name):
            if not _LEFT_ALONE.intersection(inside.parts):
                yield inside, data
    except OSError as error:
        raise _unreadable(source, error) from None
    except BadArchive as error:
        raise GraderError(f"{source} {error}", "Unpack it yourself, and name the folder.") from None


def _items_of_folder(source: Path) -> Iterator[tuple[PurePosixPath, bytes | BadArchive]]:
    closed: list[OSError] = []
    for folder, folders_in_it, names in os.walk(source, onerror=closed.append):
        folders_in_it[:] = sorted(each for each in folders_in_it if each not in _LEFT_ALONE)
        for name in sorted(names):
            path = Path(folder) / name
            yield PurePosixPath(path.relative_to(source).as_posix()), _read(path)
    for error in closed:
        path = Path(error.filename)
        if path == source:
            raise _unreadable(source, error)
        inside = PurePosixPath(path.relative_to(source).as_posix())
        yield inside / "*", BadArchive(f"cannot be read: {error.strerror}")


def _read(path: Path) -> bytes | BadArchive:
    try:
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= MAX_FILE:
            return path.read_bytes()
    except OSError as error:
        return BadArchive(f"cannot be read: {error.strerror}")
    return BadArchive(f"is a link, a device or larger than {MAX_FILE >> 20} MB")


def _unreadable(source: Path, error: OSError) -> GraderError:
    return GraderError(f"{source} cannot be read: {error.strerror}", "Look at its permissions.")


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
