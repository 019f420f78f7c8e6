"""Submissions: the files of one student for one exercise, read with care."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
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
TEAM = "team.txt"
"""Beside a submission that a team handed in together: its name and members."""
NOT_TAKEN = "not-taken.txt"
"""Beside a submission of which intake could not take everything: why, for the student to read."""


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
    team: str = ""
    """Who handed it in together, where intake knows it; no part of the hash."""

    @cached_property
    def hash(self) -> str:
        """SHA-256 over names, contents and problems: what a verdict depends on."""
        digest = hashlib.sha256()
        for name, data in sorted(self.files.items()):
            digest.update(f"{name}\0{len(data)}\0".encode() + data)
        for name, problem in sorted(self.problems.items()):
            digest.update(f"!{name}\0{problem}\0".encode())
        return digest.hexdigest()


def read_submission(
    student: str,
    exercise: Exercise,
    folders: Iterable[Path],
    max_kb: int,
    submitted: datetime | None = None,
    *,
    marked_late: bool = False,
    not_taken: str = "",
    team: str = "",
) -> Submission:
    """Return the files that `exercise` names, each from the first of `folders` that has it.

    Optional ones are taken from beside the others.
    Only regular files of at most `max_kb` KB are taken that Python can read; no link is followed.
    Where a file is missing, `not_taken` says why, if that is known.
    """
    files: dict[str, bytes] = {}
    problems: dict[str, str] = {}
    homes: list[Path] = []
    for name in exercise.files:
        data, problem, home = _first(name, folders, max_kb)
        if home is not None:
            homes.append(home)
        if data is not None:
            files[name] = data
        if problem == MISSING and not_taken:
            problem = f"{MISSING}; {not_taken}"
        if problem:
            problems[name.removesuffix(".py")] = f"{name} {problem}"
    for name in exercise.optional:
        data, problem, _ = _first(name, homes, max_kb)
        if data is not None:
            files[name] = data
        elif problem != MISSING:
            problems[name.removesuffix(".py")] = f"{name} {problem}"
    missing = any(MISSING in problem for problem in problems.values())
    why = not_taken if missing else ""
    return Submission(student, exercise, files, problems, submitted, marked_late, why, team)


def _first(
    name: str, folders: Iterable[Path], max_kb: int
) -> tuple[bytes | None, str, Path | None]:
    """Return the file's content or why it is unusable, and the first of `folders` that has it."""
    for folder in folders:
        data, problem = _readable(folder / name, max_kb)
        if problem != MISSING:
            return data, problem, folder
    return None, MISSING, None


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


def _read_line(path: Path) -> str:
    data, _ = _readable(path, max_kb=4)
    return " ".join((data or b"").decode("utf-8-sig", "replace").split())


def find_submissions(
    directory: Path,
    course: Course,
    exercise_id: str | None = None,
    only: Collection[str] = (),
) -> list[Submission]:
    """Return every student's submission of every exercise that at least one of them handed in.

    A folder in `directory` is a student; the files lie in `STUDENT/NN/`, `STUDENT/exercises/NN/`
    or in `STUDENT/` itself. With `exercise_id`, just that exercise, for every student. The time of
    handing in is that of `STUDENT/NN/timestamp.txt`, which an LMS's download or nbgrader wrote.
    With `only`, those of these students.

    Raises:
        GraderError: there is no such folder, or no student in it, or not one of `only`.
    """
    if not directory.is_dir():
        raise GraderError(
            f"{directory} is not a folder", "Name the folder that holds a folder a student."
        )
    students = sorted(
        entry
        for entry in directory.iterdir()
        if entry.is_dir() and not entry.is_symlink() and not entry.name.startswith(".")
    )
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
    return sorted(found, key=lambda submission: (submission.student, submission.exercise.id))


def _of_exercise(
    students: list[Path], exercise: Exercise, max_kb: int, *, all_of_them: bool
) -> list[Submission]:
    read = [
        read_submission(
            normal(os.fsencode(student.name).decode("utf-8", "backslashreplace")),
            exercise,
            [
                folder
                for folder in (student / exercise.id, student / EXERCISES / exercise.id, student)
                if not any(each.is_symlink() for each in (folder, folder.parent))
            ],
            max_kb,
            read_timestamp(student / exercise.id),
            marked_late=(student / exercise.id / LATE_MARK).is_file(),
            not_taken=_read_line(student / exercise.id / NOT_TAKEN),
            team=_read_line(student / exercise.id / TEAM),
        )
        for student in students
    ]
    anything = all_of_them or any(
        submission.files or any(MISSING not in p for p in submission.problems.values())
        for submission in read
    )
    return read if anything else []
