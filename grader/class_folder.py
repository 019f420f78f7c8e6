"""The folder of a class's submissions: whose lie in it, and what in it is no student's."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from grader.course import EXERCISES, Course, Exercise
from grader.errors import GraderError, did_you_mean
from grader.spelling import normal
from grader.submission import (
    CLOSED,
    LATE_MARK,
    NOT_TAKEN,
    TEAM,
    Submission,
    places,
    read_line,
    read_submission,
    read_timestamp,
)

_LINK = "is a link, which is not followed"
_RESULTS = ("reports", "feedback")
"""Folders that `grader grade --out` and `grader report` make."""
Tell = Callable[[str], None]
"""Gets a line for whoever grades."""


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
        not_taken=(read_line(home / NOT_TAKEN) if own else "") or link,
        team=read_line(home / TEAM) if own else "",
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
        return f"{folder.relative_to(student.parent)} {CLOSED}: {error.strerror}"


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
