"""`grader status`: how far a learner has come, and what is next."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.course import Check, Course, Exercise
from grader.learn.handing_in import look
from grader.learn.own_work import first_failure, last_public, last_report, your_files
from grader.learn.public_tests import public_checks
from grader.report import Outcome, Report
from grader.reports.terminal import number
from grader.scoring import rescore

_BAR = 10


@dataclass(frozen=True)
class Standing:
    """How far a learner is in one exercise: by the hidden suite, else by the public tests."""

    exercise: Exercise
    score: float
    most: float
    said: str
    command: str
    """What checks it."""
    begun: bool
    done: bool
    failing: Check | None
    refused: tuple[str, ...]
    """What would keep it from being graded as it is."""
    noted: tuple[str, ...]


def standing(course: Course, exercise: Exercise) -> Standing:
    """How far the exercise is by what was last checked."""
    failing = first_failure(course, exercise)
    trial = look(course, exercise, run=False)
    if course.hidden_suite(exercise).is_dir():
        report = _report(course, exercise)
        return Standing(
            exercise,
            score=report.score if report else 0.0,
            most=exercise.max_score,
            said=_state(course, exercise, report),
            command=f"grader check {exercise.id}",
            begun=report is not None,
            done=report is not None
            and report.full
            and not trial.refused
            and report.submission_hash == your_files(course, exercise).hash,
            failing=failing,
            refused=trial.refused,
            noted=trial.noted,
        )
    run, public = last_public(course, exercise), public_checks(course, exercise)
    passed = [check for check in public if run and run.checks.get(check.id) == "passed"]
    said = "not tested yet"
    changed = run is not None and run.submission_hash != your_files(course, exercise).hash
    if run is not None:
        said = "changed since" if changed else f"{len(passed)} of {len(public)} public checks"
    return Standing(
        exercise,
        score=sum(check.points for check in passed),
        most=sum(check.points for check in public),
        said=said,
        command=f"pytest exercises/{exercise.id}",
        begun=run is not None,
        done=len(passed) == len(public) and not changed and not trial.refused,
        failing=failing,
        refused=trial.refused,
        noted=trial.noted,
    )


def print_status(course: Course, console: Console) -> None:
    """A line for each exercise, then the next step."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow="ellipsis")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(overflow="ellipsis", no_wrap=True)
    standings = [standing(course, each) for each in course.exercises]
    for each in standings:
        table.add_row(
            f"{each.exercise.id} {each.exercise.title}",
            bar(each.score, each.most),
            f"{number(each.score)}/{number(each.most)}",
            Text(each.said, "dim"),
        )
    console.print(table)
    console.print()
    for each in standings:
        for sentence in each.refused + each.noted:
            console.print(Text(f"{each.exercise.id}: {sentence}", "yellow"))
    if any(each.refused or each.noted for each in standings):
        console.print()
    total = number(sum(each.score for each in standings))
    most = number(sum(each.most for each in standings))
    console.print(Text(f"{total} of {most} points. {_next_step(standings)}"))


def unfinished(course: Course) -> Exercise:
    """The first exercise that is not done; the last one where all are."""
    standings = [standing(course, each) for each in course.exercises]
    return next((each.exercise for each in standings if not each.done), course.exercises[-1])


def bar(score: float, most: float) -> Text:
    """Points as a bar of a fixed width."""
    full = round(_BAR * score / most) if most else 0
    return Text("█" * full, "green").append("░" * (_BAR - full), "dim")


def _next_step(standings: list[Standing]) -> str:
    """The first thing that is not done, and the command for it."""
    for each in standings:
        if each.done:
            continue
        if each.refused:
            return f"Next: mend what would be refused of {each.exercise.id}, as said above."
        if not each.begun:
            lesson = f"exercises/{each.exercise.id}/README.md"
            return f"Next: read {lesson}, then run `{each.command}`."
        if each.failing is None:  # something could not be decided
            return f"Next: run `{each.command}` again."
        check = each.failing
        hint = f"grader hint {check.exercise} {check.name}"
        return f"Next: {check.id}, {check.title}. Run `{each.command}`, or `{hint}`."
    return "All done."


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
