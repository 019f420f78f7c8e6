"""Submissions: the files of one student for one exercise, read with care."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from grader.course import EXERCISES, Course, Exercise
from grader.errors import GraderError, did_you_mean
from grader.source_file import MISSING, NotTaken, read_file, text_of
from grader.spelling import normal

TIMESTAMP = "timestamp.txt"
"""nbgrader's name for the file beside a submission that says when it came."""
LATE_MARK = "late.txt"
"""Beside a submission that an LMS marked as late without a time."""

NOT_TAKEN = "not-taken.txt"
"""Beside a submission of which intake could not take everything: why, for the student to read."""
_CLOSED = "cannot be read"
_LINK = "is a link, which is not followed"
_UNFINISHED = re.compile(rb"^[ \t]*raise NotImplementedError\b", re.MULTILINE)
"""What the course's stubs hold; intake knows them by the same words."""
_RESULTS = ("reports", "feedback")
"""Folders that `grader grade --out` and `grader report` make."""
Tell = Callable[[str], None]
"""Gets a line for whoever grades."""


@dataclass(frozen=True)
class Submission:
    """The files that one student handed in for one exercise."""

    student: str
    exercise: Exercise
    files: Mapping[str, bytes]
    """The files that the exercise names and that can be used: name and content."""
    problems: Mapping[str, str]
    """The others, by module name: a sentence for the student."""
    submitted: datetime | None = None
    """When it was handed in, where a timestamp.txt says so; no part of the hash."""
    marked_late: bool = False
    """Whether the LMS marked it as late, without saying when it came."""
    not_taken: str = ""
    """Why a file is missing, where intake knows it; it is among `problems` too."""
    unread: str = ""
    """What of it this machine could not read, which is no fault of the student's."""
    copies: tuple[str, ...] = ()
    """Of files that are there twice and differ: which one was taken, and which was not."""

    @property
    def handed_in(self) -> bool:
        """Tell whether there is any file of the exercise, be it one that cannot be used."""
        return bool(self.files) or any(MISSING not in each for each in self.problems.values())

    @cached_property
    def hash(self) -> str:
        """SHA-256 over names, contents and problems: what a verdict depends on."""
        digest = hashlib.sha256()
        for name, data in sorted(self.files.items()):
            digest.update(f"{name}\0{len(data)}\0".encode() + data)
        for name, problem in sorted(self.problems.items()):
            digest.update(f"!{name}\0{problem}\0".encode())
        return digest.hexdigest()


def places(folder: Path, exercise: str) -> list[Path]:
    """Return where files of an exercise may lie in somebody's folder, as intake looks for them."""
    return [folder / EXERCISES / exercise, folder / exercise, folder]


def read_submission(
    student: str,
    exercise: Exercise,
    folders: Iterable[Path],
    max_kb: int,
    submitted: datetime | None = None,
    *,
    marked_late: bool = False,
    not_taken: str = "",
) -> Submission:
    """Return the files that `exercise` names, each from the first of `folders` that has it.

    A stub counts only where no other copy is there; a file that differs in two places is among the
    submission's `copies`. Optional ones are taken from beside the others.
    Only regular files of at most `max_kb` KB are taken that Python can read; no link is followed.
    Where a file is missing, `not_taken` says why, if that is known.
    """
    files: dict[str, bytes] = {}
    problems: dict[str, str] = {}
    homes: list[Path] = []
    copies: list[str] = []
    folders = tuple(folders)
    for name in exercise.files:
        found = [each for each in (_Copy.of(f, name, max_kb) for f in folders) if each]
        if not found:
            problem = f"{MISSING}; {not_taken}" if not_taken else MISSING
        else:
            taken = min(found, key=lambda copy: copy.rank)
            homes.append(taken.folder)
            problem = taken.problem
            if taken.data is not None:
                files[name] = taken.data
            others = [each.path for each in found if each.what != taken.what]
            if others:
                copies.append(f"{taken.path} is taken, not {' or '.join(map(str, others))}")
        if problem:
            problems[name.removesuffix(".py")] = f"{name} {problem}"
    for name in exercise.optional:
        found = [each for each in (_Copy.of(f, name, max_kb) for f in homes) if each]
        if found and found[0].data is not None:
            files[name] = found[0].data
        elif found:
            problems[name.removesuffix(".py")] = f"{name} {found[0].problem}"
    missing = any(MISSING in problem for problem in problems.values())
    return Submission(
        student,
        exercise,
        files,
        problems,
        submitted,
        marked_late,
        not_taken if missing else "",
        unread=next((each for each in problems.values() if each.endswith(_CLOSED)), ""),
        copies=tuple(copies),
    )


@dataclass(frozen=True)
class _Copy:
    """A file of an exercise in one of the places where it may lie."""

    folder: Path
    name: str
    data: bytes | None
    problem: str
    """Why it is unusable; empty where it can be used."""

    @classmethod
    def of(cls, folder: Path, name: str, max_kb: int) -> _Copy | None:
        """Read it; None where there is none."""
        data, problem = _readable(folder / name, max_kb)
        return None if problem == MISSING else cls(folder, name, data, problem)

    @property
    def path(self) -> Path:
        return self.folder / self.name

    @property
    def what(self) -> tuple[bytes | None, str]:
        return self.data, self.problem

    @property
    def rank(self) -> int:
        """Sorts what is filled in first, a stub last."""
        if self.data is None:
            return 1
        return 2 if _UNFINISHED.search(self.data) else 0


def _readable(path: Path, max_kb: int) -> tuple[bytes | None, str]:
    """Return the content, or None and why it cannot be used."""
    try:
        data = read_file(path, max_kb)
        text_of(data)
    except NotTaken as reason:
        return None, str(reason)
    return data, ""


def read_timestamp(folder: Path) -> datetime | None:
    """Return when the submission in `folder` came, from nbgrader's timestamp.txt, or None.

    The file holds a date, a time, and a zone (`UTC`, `+0100` or a name such as `Europe/Berlin`);
    without a zone it is UTC, as in nbgrader. A moment before the year 1 or after 9999 of UTC is no
    time: nothing can be reckoned with it.
    """
    data, problem = _readable(folder / TIMESTAMP, max_kb=1)
    if data is None or problem:
        return None
    text = data.decode("utf-8-sig", errors="replace").strip()
    if text[10:11] == "T":
        text = f"{text[:10]} {text[11:]}"
    try:
        time = _moment(text)
        time.astimezone(UTC)
    except (ValueError, OverflowError, ZoneInfoNotFoundError, OSError):
        return None  # OSError: a zone such as `America`
    return time


def _moment(text: str) -> datetime:
    date, _, zone = text.rpartition(" ")
    if zone[:1].isdigit():  # the time of day: there is no zone
        time = datetime.fromisoformat(f"{date} {zone}")
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    if zone[:1] in "+-":
        return datetime.fromisoformat(f"{date}{zone}")
    return datetime.fromisoformat(date).replace(tzinfo=ZoneInfo(zone))


def _require_known(name: str, students: list[str], directory: Path) -> None:
    if name not in students:
        raise GraderError(
            f"{directory} holds no folder of a student {name!r}",
            did_you_mean(name, students) or "Name one as its folder is named.",
        )


def _require_one_each(students: list[Path], directory: Path) -> None:
    """Refuse two folders of one student: one of them would be graded with older work."""
    found: dict[str, Path] = {}
    for student in students:
        other = found.setdefault(normal(student.name), student)
        if other != student:
            raise GraderError(
                f"{directory} holds two folders of {normal(student.name)!r}, whose names are "
                f"spelled with other characters: {other.name!a} and {student.name!a}",
                "Move what counts into one of them, and remove the other.",
            )


def _read_reason(folder: Path) -> str:
    data, _ = _readable(folder / NOT_TAKEN, max_kb=4)
    return " ".join((data or b"").decode("utf-8-sig", "replace").split())


def find_submissions(
    directory: Path,
    course: Course,
    exercise_id: str | None = None,
    only: Collection[str] = (),
    tell: Tell = lambda _: None,
) -> list[Submission]:
    """Return every student's submission of every exercise that at least one of them handed in.

    A folder in `directory` is a student; the files lie in `STUDENT/exercises/NN/`, `STUDENT/NN/`
    or in `STUDENT/` itself. With `exercise_id`, just that exercise, for every student. The time of
    handing in is that of `STUDENT/NN/timestamp.txt`, which an LMS's download or nbgrader wrote.
    With `only`, those of these students.

    `tell` gets a line for each file that is there twice and differs, for what cannot be read or is
    a link, and for a folder of results, which is no student.

    Raises:
        GraderError: there is no such folder, or no student in it, or not one of `only`.
    """
    students = [each for each in _folders(directory) if not _holds_results(each, directory, tell)]
    if not students:
        raise GraderError(
            f"{directory} holds no student's folder", "Expected is STUDENT/EXERCISE/FILE.py in it."
        )
    numbers = {exercise.id for exercise in course.exercises}
    copied = any((directory / EXERCISES / number).is_dir() for number in numbers)
    if copied or {student.name for student in students} <= numbers:
        raise GraderError(
            f"{directory} looks like one student's folder: it holds exercises, and no student",
            "Name the folder above it, and the student with --student.",
        )
    _require_one_each(students, directory)
    only = {normal(name) for name in only}
    for name in only:
        _require_known(name, [normal(student.name) for student in students], directory)
    students = [student for student in students if not only or normal(student.name) in only]
    wanted = [course.exercise(exercise_id)] if exercise_id else list(course.exercises)
    found = [
        submission
        for exercise in wanted
        for submission in _of_exercise(
            students, exercise, course.limits.file_kb, all_of_them=exercise_id is not None
        )
    ]
    if not found:
        names = ", ".join(exercise.files[0] for exercise in wanted)
        raise GraderError(
            f"no folder in {directory} holds a file of an exercise ({names}, ...)",
            "Expected is STUDENT/EXERCISE/FILE.py in it; `grader intake` takes notebooks apart.",
        )
    found.sort(key=lambda submission: (submission.student, submission.exercise.id))
    for line in dict.fromkeys(line for each in found for line in _lines(each)):
        tell(line)
    return found


def _folders(directory: Path) -> list[Path]:
    """Return the folders in `directory`, and the links that stand for one."""
    if not directory.is_dir():
        raise GraderError(
            f"{directory} is not a folder", "Name the folder that holds a folder a student."
        )
    try:
        entries = sorted(directory.iterdir())
    except OSError as error:
        raise GraderError(
            f"{directory} cannot be read: {error.strerror}", "Give yourself the right to read it."
        ) from None
    # A link that leads nowhere may be somebody's folder on a disk that is not there.
    return [
        entry
        for entry in entries
        if not entry.name.startswith(".")
        and (os.path.isdir(entry) or (_is_link(entry) and not os.path.exists(entry)))  # noqa: PTH110, PTH112 - pathlib's raise
    ]


def _is_link(path: Path) -> bool:
    """Tell whether it is a link; False where nobody may look."""
    return os.path.islink(path)  # noqa: PTH114 - pathlib's raises


def require_apart(target: Path, directory: Path, how: str = "") -> None:
    """Refuse to write into the submissions, where each folder is taken for a student's.

    Args:
        target: the folder that is to be written.
        directory: that of the submissions.
        how: by which option the target is named.

    Raises:
        GraderError: `target` is in `directory`, or is it.
    """
    if target.resolve().is_relative_to(directory.resolve()):
        move = f"Move {target} out of it" if holds_results(target) else "Name a folder elsewhere"
        then = f", and name it {how}" if move.startswith("Move") else f" {how}"
        raise GraderError(
            f"{target} lies in {directory}, where each folder is a student's",
            f"{move}{then}".rstrip() + ".",
        )


def holds_results(folder: Path) -> bool:
    """Tell whether `grader grade --out` keeps its results in `folder`."""
    try:
        return (folder / ".lock").is_file() and (folder / _RESULTS[0]).is_dir()
    except OSError:
        return False


def _holds_results(entry: Path, directory: Path, tell: Tell) -> bool:
    """Tell whether it is no student but what the grader made, and say so."""
    inside = entry.name in _RESULTS and holds_results(directory)
    if inside or holds_results(entry):
        tell(f"is no student, as it holds results: {entry}. Keep them outside of {directory}.")
        return True
    return False


def _lines(found: Submission) -> list[str]:
    """Return what is to be said of a submission to whoever grades."""
    who = f"{found.student} {found.exercise.id}"
    lines = [f"is there twice and differs: {who}: {each}" for each in found.copies]
    if found.unread:
        lines.append(f"is not graded: {who}: {found.unread}")
    if found.not_taken.endswith(_LINK):
        lines.append(f"is not taken: {found.not_taken}; put the folder itself there")
    return lines


def _of_exercise(
    students: Sequence[Path], exercise: Exercise, max_kb: int, *, all_of_them: bool
) -> list[Submission]:
    read = [_of_student(student, exercise, max_kb) for student in students]
    anything = all_of_them or any(submission.handed_in for submission in read)
    return read if anything else []


def _of_student(student: Path, exercise: Exercise, max_kb: int) -> Submission:
    """Read one student's submission; a folder that is closed costs nobody else's."""
    name = normal(os.fsencode(student.name).decode("utf-8", "backslashreplace"))
    folders, home = places(student, exercise.id), student / exercise.id
    around = dict.fromkeys((student, student / EXERCISES, *folders))
    links = [each for each in around if _is_link(each)]
    real = [each for each in folders if not {each, each.parent} & {*links}]
    closed = [why for each in around if each not in links and (why := _closed(each, student))]
    if closed:
        lost = read_submission(name, exercise, (), max_kb)
        return replace(lost, unread=closed[0])
    link = f"{links[0].relative_to(student.parent)} {_LINK}" if links else ""
    own = home in real and student in real
    found = read_submission(
        name,
        exercise,
        real,
        max_kb,
        read_timestamp(home) if own else None,
        marked_late=own and os.path.isfile(home / LATE_MARK),  # noqa: PTH113 - pathlib's raises
        not_taken=(_read_reason(home) if own else "") or link,
    )
    inside = (each.replace(f"{student}{os.sep}", "") for each in found.copies)
    return replace(found, copies=tuple(inside))


def _closed(folder: Path, student: Path) -> str:
    """Return why a folder of a student's cannot be looked into; empty where it can, or is none."""
    try:
        with os.scandir(folder):
            return ""
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return f"{folder.relative_to(student.parent)} {_CLOSED}: {error.strerror}"
