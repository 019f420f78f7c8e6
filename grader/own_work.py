"""What a learner's last check of an exercise found, kept in the course's folder."""

from __future__ import annotations

from pydantic import ValidationError

from grader.course import Course, Exercise
from grader.errors import GraderError
from grader.files import write_whole
from grader.report import Report
from grader.submission import Submission, read_submission

FOLDER = ".grader"
YOU = "you"


def your_files(course: Course, exercise: Exercise) -> Submission:
    """The learner's files as they are now."""
    folder = course.root / "exercises" / exercise.id
    return read_submission(YOU, exercise, [folder], course.limits.file_kb)


def keep(course: Course, report: Report) -> None:
    """Keep a report for `grader status` and `grader replay`.

    Raises:
        GraderError: it cannot be written.
    """
    folder = course.root / FOLDER
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise GraderError(f"{folder} cannot be made: {error.strerror}") from None
    write_whole(folder / f"{report.exercise}.json", report.model_dump_json(indent=1))


def last_report(course: Course, exercise: Exercise) -> Report | None:
    """What was kept last, or None: nothing, or something of an older version."""
    try:
        return Report.model_validate_json(
            (course.root / FOLDER / f"{exercise.id}.json").read_bytes()
        )
    except (OSError, ValidationError):
        return None


def require_report(course: Course, exercise: Exercise) -> Report:
    """What was kept last.

    Raises:
        GraderError: nothing was.
    """
    report = last_report(course, exercise)
    if report is None:
        raise GraderError(
            f"exercise {exercise.id} was not checked yet", f"Run `grader check {exercise.id}`."
        )
    return report
