"""`grader check`: a learner's own work, by the hidden suite, or by the public tests without one."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from grader.course import Check, Course, Exercise
from grader.errors import GraderError
from grader.grading.repeat import with_required
from grader.learn.handing_in import look
from grader.learn.hints import first
from grader.learn.marked import require_shown
from grader.learn.own_work import keep, last_report
from grader.learn.proof import print_proof
from grader.learn.public_run import PublicTestsRun
from grader.learn.rows import Rows
from grader.report import UNDECIDED, Kind, Outcome, Report
from grader.reports.terminal import visible
from grader.scoring import total

UNDONE = 2


def check_own_work(
    course: Course,
    exercises: Sequence[Exercise],
    seed: int,
    console: Console,
    only: Check | None = None,
) -> int:
    """Check the learner's files, say what failed as it shows, and what is next; the exit code.

    `only` is the one check that was asked for. The codes: 0 all passed, 1 something failed, 2
    something could not be checked.

    Raises:
        GraderError: it could not be done.
    """
    return max((_check(course, each, seed, console, only) for each in exercises), default=0)


def _check(
    course: Course, exercise: Exercise, seed: int, console: Console, only: Check | None
) -> int:
    if only is not None:
        require_shown(course, exercise, only)
    console.print(Text(f"Exercise {exercise.id}: {exercise.title}", "bold"))
    hidden = course.hidden_suite(exercise).is_dir()
    wanted = with_required(exercise, [only.id]) if only is not None else None
    rows = Rows(console)
    if hidden:
        report = _by_hidden_suite(course, exercise, seed, wanted, rows)
    else:
        report = _by_public_tests(course, exercise, wanted, rows)
    if wanted is not None:
        report = total(report, tuple(row for row in report.checks if row.id in wanted))
    rows.finish(report)
    if hidden:
        if not _hangs(report) and only is None:
            _print_public_tests(course, exercise, console)
        _keep(course, exercise, report, console)
    trial = look(course, exercise)
    if trial.refused or trial.noted:
        console.print("Before you hand it in:")
    for sentence in trial.refused + trial.noted:
        console.print(Text(f"- {sentence}"))
    _next_step(course, exercise, report, console, only)
    if any(row.outcome in UNDECIDED for row in report.checks):
        return UNDONE
    return 0 if report.full and not trial.refused else 1


def _by_hidden_suite(
    course: Course, exercise: Exercise, seed: int, only: frozenset[str] | None, rows: Rows
) -> Report:
    from grader.grading.one import warm  # noqa: PLC0415 - Windows cannot fork
    from grader.grading.services import prepare_services  # noqa: PLC0415 - as above
    from grader.learn.hidden_run import HiddenRun  # noqa: PLC0415 - as above
    from grader.sandbox.choice import own_code, sweep  # noqa: PLC0415 - as above

    own_code()  # says so where this system cannot fork
    sweep()
    with prepare_services(set(exercise.services)) as services:
        warm(course, exercise)
        with HiddenRun(course, exercise, seed, services, only) as run:
            while not isinstance(heard := run.step(), Report):
                rows.tell(*heard)
            return heard


def _by_public_tests(
    course: Course, exercise: Exercise, only: frozenset[str] | None, rows: Rows
) -> Report:
    with PublicTestsRun(course, exercise, only or ()) as run:
        while not isinstance(heard := run.step(), Report):
            if heard is not None:
                rows.tell(*heard)
        return heard


def _print_public_tests(course: Course, exercise: Exercise, console: Console) -> None:
    with PublicTestsRun(course, exercise) as run:
        while run.read():
            pass
        checks = run.final_report().checks
    passed = sum(row.outcome is Outcome.PASSED for row in checks)
    said = f"public tests: {passed} of {len(checks)} checks pass"
    if passed < len(checks):
        said += f"; see them with: pytest exercises/{exercise.id}"
    console.print(Text(said))


def _hangs(report: Report) -> bool:
    return any(row.kind is Kind.HUNG for row in report.checks)


def _keep(course: Course, exercise: Exercise, report: Report, console: Console) -> None:
    """Keep a report; one of a single check only beside what is known of the same files."""
    if len(report.checks) < len(exercise.checks):
        before = last_report(course, exercise)
        if before is None or before.submission_hash != report.submission_hash:
            said = "`grader replay` shows it once the whole exercise was checked with these files"
            console.print(Text(f"Not kept: {said}", "dim"))
            return
        new = {row.id: row for row in report.checks}
        report = total(before, tuple(new.get(row.id, row) for row in before.checks))
    try:
        keep(course, report)
    except GraderError as error:
        console.print(Text(f"Not kept for `grader status` and `grader replay`: {error}", "yellow"))


def _next_step(
    course: Course, exercise: Exercise, report: Report, console: Console, only: Check | None
) -> None:
    failure = report.first_failure
    known = exercise.check(failure.id) if failure is not None else None
    if failure is not None and known is not None:
        console.print(Text(f"Next: {failure.id}. Hint: {first(known, failure.kind)}", "cyan"))
        return
    undecided = next((row for row in report.checks if row.outcome in UNDECIDED), None)
    if undecided is not None:
        said = f"{undecided.id} could not be checked: {visible(undecided.message)}"
        console.print(Text(f"Next: {said}", "yellow"))
    elif only is not None:
        console.print(Text(f"Next: the rest, grader check {exercise.id}", "cyan"))
    elif report.full:
        print_proof(course, exercise, report, console)
