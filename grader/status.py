"""`grader status`: how far a learner has come, and what is next."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.course import Course, Exercise
from grader.own_work import last_report, your_files
from grader.report import Outcome, Report
from grader.reports.terminal import number
from grader.scoring import rescore

_BAR = 10


def print_status(course: Course, console: Console) -> None:
    """A line for each exercise, then the next step."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow="ellipsis")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(overflow="ellipsis", no_wrap=True)
    reports = {each.id: _report(course, each) for each in course.exercises}
    total = sum(report.score for report in reports.values() if report)
    for exercise in course.exercises:
        report = reports[exercise.id]
        score = report.score if report else 0.0
        table.add_row(
            f"{exercise.id} {exercise.title}",
            bar(score, exercise.max_score),
            f"{number(score)}/{number(exercise.max_score)}",
            Text(_state(course, exercise, report), "dim"),
        )
    console.print(table)
    console.print()
    most = sum(exercise.max_score for exercise in course.exercises)
    console.print(Text(f"{number(total)} of {number(most)} points. {next_step(course)}"))


def next_step(course: Course) -> str:
    """The first thing that is not done, and the command for it."""
    for exercise in course.exercises:
        report = _report(course, exercise)
        if report is None:
            lesson = f"exercises/{exercise.id}/README.md"
            return f"Next: read {lesson}, then run `grader check {exercise.id}`."
        failed = next((c for c in report.checks if c.outcome is not Outcome.PASSED), None)
        if failed is not None:
            return f"Next: {failed.id}, {failed.title}. Run `grader check {exercise.id}`."
    return "All done."


def unfinished(course: Course) -> Exercise:
    """The first exercise without full marks; the last one where all have them."""
    for exercise in course.exercises:
        report = _report(course, exercise)
        if report is None or not report.full:
            return exercise
    return course.exercises[-1]


def bar(score: float, most: float) -> Text:
    """Points as a bar of a fixed width."""
    full = round(_BAR * score / most) if most else 0
    return Text("█" * full, "green").append("░" * (_BAR - full), "dim")


def _report(course: Course, exercise: Exercise) -> Report | None:
    report = last_report(course, exercise)
    return rescore(report, course) if report else None


def _state(course: Course, exercise: Exercise, report: Report | None) -> str:
    if report is None:
        return "not checked yet"
    if report.submission_hash != your_files(course, exercise).hash:
        return "changed since"
    passed = sum(check.outcome is Outcome.PASSED for check in report.checks)
    return "" if report.full else f"{passed} of {len(report.checks)} checks"
