"""`grader grade`: a class of submissions, each in a sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from grader.course import Course
from grader.files import require_writable, write_whole
from grader.grading.many import grade_all
from grader.grading.one import Grading, require_suite
from grader.grading.services import prepare_services
from grader.report import ClassReport, Report
from grader.reports.terminal import print_class, visible
from grader.sandbox.choice import choose, sweep
from grader.submission import Submission, find_submissions

_DETAILS_UP_TO = 12
"""Reports that are still printed each when nothing was asked for."""


def grade_directory(
    course: Course,
    directory: Path,
    *,
    exercise: str | None,
    json_file: Path | None,
    seed: int,
    jobs: int,
    details: bool | None,
    unsafe: bool,
    console: Console,
) -> int:
    """Grade what lies in `directory`; the exit code.

    Raises:
        GraderError: it could not be done.
    """
    submissions = find_submissions(directory, course, exercise)
    for number in sorted({submission.exercise for submission in submissions}):
        require_suite(course, course.exercise(number))
    if json_file is not None:
        require_writable(json_file)
    sandbox = choose(unsafe=unsafe)
    sweep()
    with ExitStack() as stack:
        names: set[str] = set()
        for submission in submissions:
            names.update(course.exercise(submission.exercise).services)
        services = stack.enter_context(prepare_services(names))
        how = Grading(course, sandbox, seed, services)
        reports = grade_with_progress(submissions, how, jobs, console)
    result = ClassReport(
        course=course.title,
        provisional=any(report.provisional for report in reports),
        reports=tuple(reports),
    )
    shown = len(reports) <= _DETAILS_UP_TO if details is None else details
    print_class(console, reports, details=shown)
    if json_file is not None:
        write_whole(json_file, result.model_dump_json(indent=2) + "\n")
    return exit_code(reports)


def exit_code(reports: Sequence[Report]) -> int:
    """0 all full, 1 something failed, 2 something could not be decided."""
    if any(report.provisional for report in reports):
        return 2
    return 0 if all(report.full for report in reports) else 1


def grade_with_progress(
    submissions: Sequence[Submission], how: Grading, jobs: int, console: Console
) -> list[Report]:
    """The reports, in the order of the submissions; a bar on a terminal meanwhile."""
    found: dict[tuple[str, str], Report] = {}
    # No refresh thread: this process forks.
    with Progress(
        TextColumn("grading"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[name]}", markup=False),
        console=Console(stderr=True),
        auto_refresh=False,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("", total=len(submissions), name="")
        for submission, report in grade_all(submissions, how, jobs):
            found[submission.student, submission.exercise] = report
            progress.update(task, advance=1, name=visible(submission.student)[:30], refresh=True)
    return [found[submission.student, submission.exercise] for submission in submissions]
