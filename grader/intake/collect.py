"""Sorts what was handed over by student and exercise; the newest attempt counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from grader.course import Course
from grader.errors import GraderError
from grader.intake.archives import BadArchive, is_archive, members
from grader.intake.cells import is_finished, told
from grader.intake.names import FORMATS, LASTING, Owned, guess
from grader.intake.notebooks import in_bytes, taken_of_notebook
from grader.intake.source import LEFT_ALONE, items
from grader.intake.students import Person, clean_name, folders, short_names
from grader.source_file import resembles
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
    refused: list[tuple[str, str, str]] = field(default_factory=list)
    """Student, exercise ("" where any may be meant), and why a file did not count; to be read by
    the student behind "polling.py is missing"."""
    older: list[str] = field(default_factory=list)
    """Attempts, or files of them, that a newer one replaces."""
    copies: list[str] = field(default_factory=list)
    """Files that were handed in twice at once and differ, and which was taken; a line each."""
    users: dict[str, str] = field(default_factory=dict)
    """By student: who that is in the LMS, such as `canvas 1001`, where its number never changes."""
    namesakes: list[str] = field(default_factory=list)
    """Students whose name somebody else has too: the number behind it tells them apart."""


class _Piece(NamedTuple):
    """A file of an exercise that somebody handed in."""

    owner: Owned
    path: PurePosixPath
    """Where it lay; in an archive, the archive's own path first."""
    exercise: str
    name: str
    """In the exercise."""
    data: bytes

    @property
    def place(self) -> tuple[bool, bool, bool, int, str]:
        """Sorts a stub last; `exercises/NN/NAME` first, `NN/NAME`, then what lies less deep."""
        folders = self.path.parts[:-1]
        in_exercises = folders[-2:] == ("exercises", self.exercise)
        return (
            not is_finished(self.data.decode("utf-8", "replace")),
            not in_exercises,
            folders[-1:] != (self.exercise,),
            len(folders),
            str(self.path),
        )


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
    handed_over = list(items(source))
    if not handed_over:
        raise GraderError(f"{source} holds no files", "Name the download of your LMS, or a folder.")
    ids = {each.id for each in course.exercises}
    used = guess([path for path, _ in handed_over], ids) if kind == "auto" else kind
    found = Collected(used)
    owners = {path: FORMATS[used](path) for path, _ in handed_over}
    students = _students([owner for owner in owners.values() if owner], found, known or {})
    wanted = course.exercise(exercise).id if exercise else ""
    handed_in: dict[tuple[str, str], list[_Piece]] = {}
    for path, data in handed_over:
        owner = owners[path]
        if owner is None:
            found.unmatched.append(f"{path}: no student's name is in it")
            continue
        student = students[owner.student, owner.user]
        found.students.add(student)
        owner = replace(owner, student=student)
        if owner.receipt:
            continue
        if isinstance(data, BadArchive):
            _refuse(owner, path, data, wanted, found)
        elif stamped := _stamped_exercise(owner, used, course):
            found.stamps[student, stamped] = data
        else:
            for piece in _pieces(owner, data, course, wanted, found):
                handed_in.setdefault((student, piece.exercise), []).append(piece)
    _drop_optional_alone(handed_in, course, found)
    _take_newest(handed_in, found)
    return found


def _drop_optional_alone(
    handed_in: dict[tuple[str, str], list[_Piece]], course: Course, found: Collected
) -> None:
    """Keep optional files only where they came with a file of their exercise.

    Of an optional file that lies in no exercise's folder nothing else tells whose it is.
    """
    taken: set[tuple[str, PurePosixPath]] = set()
    dropped: list[tuple[str, PurePosixPath]] = []
    for (student, number), pieces in list(handed_in.items()):
        places = [(student, piece.path) for piece in pieces]
        if any(piece.name in course.exercise(number).files for piece in pieces):
            taken.update(places)
        else:
            dropped += places
            del handed_in[student, number]
    for student, path in dict.fromkeys(dropped):
        if (student, path) not in taken:
            found.unmatched.append(f"{student}: {path} came without a file of its exercise")


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
        times = {piece.owner.attempt.time for piece in pieces}
        found.older += [f"{student} {exercise}: an older attempt"] * (len(times) - 1)
        last = [piece for piece in pieces if piece.owner.attempt.time == max(times)]
        newest = [
            _newest_of([piece for piece in last if piece.name == name], found)
            for name in sorted({piece.name for piece in last})
        ]
        found.files[student, exercise] = {piece.name: piece.data for piece in newest}
        if any(piece.owner.late for piece in newest):
            found.late.add((student, exercise))
        submitted = last[0].owner.submitted
        if submitted is not None:  # in this machine's zone, as the LMS is taken to be
            stamp = f"{submitted.astimezone():%Y-%m-%d %H:%M:%S %z}\n"
            found.stamps[student, exercise] = stamp.encode()


def _newest_of(pieces: list[_Piece], found: Collected) -> _Piece:
    """Of one file's attempts the last; of several copies in it the one in the course's layout."""
    attempts = {piece.owner.attempt for piece in pieces}
    copies = [piece for piece in pieces if piece.owner.attempt == max(attempts)]
    taken, *others = sorted(copies, key=lambda piece: piece.place)
    where = f"{taken.owner.student} {taken.exercise}"
    found.older += [f"{where}: an older {taken.name}"] * (len(attempts) - 1)
    differing = [piece for piece in others if piece.data != taken.data]
    if differing:
        more = f" or {len(differing) - 1} more" if len(differing) > 1 else ""
        found.copies.append(f"{where}: {taken.path} is taken, not {differing[0].path}{more}")
    return taken


def _stamped_exercise(owner: Owned, kind: str, course: Course) -> str:
    """Of nbgrader's STUDENT/NN/timestamp.txt the exercise, of other files nothing.

    Elsewhere a file of that name is the student's own, and no word on when it came.
    """
    if kind != "nbgrader":
        return ""
    parts = owner.path.parts
    return next((e.id for e in course.exercises if parts == (e.id, TIMESTAMP)), "")


def _pieces(
    owner: Owned, data: bytes, course: Course, wanted: str, found: Collected
) -> list[_Piece]:
    """Each usable file in what was handed in."""
    who = f"{owner.student}: {owner.path}"
    inner = [(owner.path, data)]
    if is_archive(owner.path.name):
        try:
            held = members(data, owner.path.name)
        except BadArchive as error:
            _refuse(owner, who, error, wanted, found)
            return []
        inner = [(owner.path / path, each) for path, each in held if not LEFT_ALONE & {*path.parts}]
    usable = []
    for path, content in inner:
        if path.suffix == ".ipynb":
            try:
                cells = taken_of_notebook(content, course)
            except ValueError as error:
                _refuse(owner, who, error, wanted, found)
                continue
            for (number, name), cell in cells.items():
                usable.append(_Piece(owner, path, number, name, in_bytes(cell)))
                if wanted in ("", number) and (line := told(name, cell, str(path))):
                    found.copies.append(f"{owner.student} {number}: {line}")
        else:
            numbers = _exercises_of(path, course)
            if not numbers:
                found.refused += _misnamed(owner, path.name, course, wanted)
            usable += [_Piece(owner, path, number, path.name, content) for number in numbers]
    usable = [piece for piece in usable if not wanted or piece.exercise == wanted]
    if not usable:
        found.unmatched.append(f"{who} is no file of an exercise")
    return usable


def _refuse(
    owner: Owned, shown: PurePosixPath | str, why: Exception, wanted: str, found: Collected
) -> None:
    found.problems.append(f"{shown} {why}")
    found.refused.append((owner.student, wanted, f"{owner.path} was not taken: it {why}"))


def _misnamed(owner: Owned, given: str, course: Course, wanted: str) -> list[tuple[str, str, str]]:
    """Of which files the name was meant: the letters are the same, as in `Polling (1).py.txt`."""
    return [
        (owner.student, exercise.id, f"{given} was handed in, and the name is {name}")
        for exercise in course.exercises
        for name in exercise.files
        if wanted in ("", exercise.id) and resembles(given, name)
    ]


def _exercises_of(path: PurePosixPath, course: Course) -> list[str]:
    """The exercise that a file belongs to: by its name, and by its folder where that tells."""
    by_name = [each.id for each in course.exercises if path.name in each.all_files]
    by_folder = [number for number in by_name if number in path.parts]
    return by_folder or by_name
