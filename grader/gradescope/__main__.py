"""Grades one submission inside Gradescope's container; run_autograder calls it."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

from grader.course import Course, load_course
from grader.errors import GraderError
from grader.files import write_whole
from grader.grading.many import grade_all
from grader.grading.one import Grading
from grader.grading.services import prepare_services
from grader.host.standard_streams import printable
from grader.report import Report
from grader.reports.documents import gradescope_json
from grader.sandbox.choice import choose_in_container
from grader.submission import Submission, places, read_submission

_REPEAT = 1
"""Failing checks are run once more: nobody is there to do it by hand."""


def main(arguments: list[str]) -> int:
    """Grade what lies in ROOT/submission and write ROOT/results/results.json.

    Where something could not be decided no results are written: Gradescope then says that the
    autograder failed, which costs no student a point. Why is on standard output, which only
    instructors see.
    """
    root = Path(arguments[0])
    results = root / "results" / "results.json"
    results.unlink(missing_ok=True)
    try:
        reports = grade_submission(root)
    except GraderError as error:
        print(f"not graded: {error}")  # noqa: T201 - Gradescope shows it to instructors
        return 2
    for report in reports:
        print(f"{report.exercise}: sandbox {report.sandbox}, seed {report.seed}")  # noqa: T201
        for check in report.checks:
            print(f"  {check.id} {check.outcome} {check.message!a}")  # noqa: T201
    if any(report.provisional for report in reports):
        print("not graded: some checks could not be decided; run it again")  # noqa: T201
        return 2
    write_whole(results, gradescope_json(reports))
    return 0


def grade_submission(root: Path) -> list[Report]:
    """Return a report for each exercise of the archive.

    Raises:
        GraderError: there are no walls here to put a submission behind.
    """
    closed = close_to_others(root)
    course = load_course(root / "source" / "course")
    submissions = handed_in(root / "submission", course)
    sandbox = choose_in_container(closed)
    names: set[str] = {name for each in submissions for name in each.exercise.services}
    with prepare_services(names) as factories:
        how = Grading(course, sandbox, secrets.randbelow(2**32), factories, _REPEAT)
        graded = grade_all(submissions, how)
        return sorted((report for _, report in graded), key=lambda report: report.exercise)


def handed_in(folder: Path, course: Course) -> list[Submission]:
    """Return the submission of each exercise with a suite in the archive, wherever files lie."""
    return [
        read_submission(
            "student",
            exercise,
            places(folder, exercise.id),
            course.limits.file_kb,
        )
        for exercise in course.exercises
        if course.hidden_suite(exercise).is_dir()
    ]


def close_to_others(root: Path) -> list[Path]:
    """Let nobody but this user into the suite, the results and what Gradescope says of students."""
    closed = []
    for name in ("source", "results", "submission", "submission_metadata.json"):
        path = root / name
        if path.exists():
            path.chmod(0o700 if path.is_dir() else 0o600)
            closed.append(path)
    return closed


if __name__ == "__main__":
    with printable():
        sys.exit(main(sys.argv[1:]))
