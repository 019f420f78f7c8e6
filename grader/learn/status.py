"""`grader status`: how far a learner has come, and what is next."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from grader.course import Check, Course, Exercise
from grader.learn.handing_in import look
from grader.learn.last import last
from grader.learn.marked import public_checks
from grader.learn.own_work import last_report, your_files
from grader.learn.proof import public_tests_pass
from grader.report import UNDECIDED, Outcome, Report
from grader.reports.terminal import number
from grader.scoring import rescore

_BAR = 10
_WIDE = 72
"""Columns from which on an exercise has one line."""


@dataclass(frozen=True)
class Standing:
    """A learner's progress in one exercise: by the hidden suite, else by the public tests."""

    exercise: Exercise
    score: float
    most: float
    said: str
    begun: bool
    done: bool
    failing: Check | None
    undecided: str
    """Why something could not be decided; empty where nothing was."""
    unseen: int
    """Checks that nothing here can show: the hidden suite of a students' copy makes them."""
    refused: tuple[str, ...]
    """What would keep it from being graded as it is."""
    noted: tuple[str, ...]


def standing(course: Course, exercise: Exercise) -> Standing:
    """Return how far the exercise is by what was last checked."""
    trial = look(course, exercise, run=False)
    hidden = course.hidden_suite(exercise).is_dir()
    report = _report(course, exercise) if hidden else last(course, exercise)
    shown = public_checks(course, exercise) if not hidden else exercise.checks
    failure = report.first_failure if report is not None else None
    changed = report is not None and report.submission_hash != your_files(course, exercise).hash
    return Standing(
        exercise,
        score=report.score if report else 0.0,
        most=sum(check.points for check in shown),
        said=_state(report, changed=changed, public="" if hidden else "public "),
        begun=report is not None,
        done=report is not None and report.full and not changed and not trial.refused,
        failing=exercise.check(failure.id) if failure is not None else None,
        undecided=_undecided(report) if report is not None and not changed else "",
        unseen=len(exercise.checks) - len(shown),
        refused=trial.refused,
        noted=trial.noted,
    )


def _undecided(report: Report) -> str:
    return next((row.message for row in report.checks if row.outcome in UNDECIDED), "")


def print_status(course: Course, console: Console) -> None:
    """Print a line for each exercise, then the next step."""
    standings = [standing(course, each) for each in course.exercises]
    console.print(_narrow(standings) if console.width < _WIDE else _table(standings))
    console.print()
    for each in standings:
        for sentence in each.refused + each.noted:
            console.print(Text(f"{each.exercise.id}: {sentence}", "yellow"))
    if any(each.refused or each.noted for each in standings):
        console.print()
    total = number(sum(each.score for each in standings))
    most = number(sum(each.most for each in standings))
    console.print(Text(f"{total} of {most} points. {_next_step(standings)}"))


def _score(each: Standing) -> str:
    return f"{number(each.score)}/{number(each.most)}"


def _table(standings: list[Standing]) -> Table:
    """Lay out a row for each exercise; where it does not fit, words are cut and no number."""
    table = Table.grid(padding=(0, 2))
    table.add_column(overflow="ellipsis", no_wrap=True)
    table.add_column(no_wrap=True, min_width=_BAR)
    table.add_column(no_wrap=True, justify="right", min_width=max(map(len, map(_score, standings))))
    table.add_column(overflow="ellipsis", no_wrap=True)
    for each in standings:
        title = f"{each.exercise.id} {each.exercise.title}"
        table.add_row(title, bar(each.score, each.most), _score(each), Text(each.said, "dim"))
    return table


def _narrow(standings: list[Standing]) -> Group:
    """Lay out two lines for each exercise."""
    lines = []
    for each in standings:
        title = f"{each.exercise.id} {each.exercise.title}"
        lines.append(Text(title, no_wrap=True, overflow="ellipsis"))
        lines.append(Text("   ").append_text(bar(each.score, each.most)).append(f" {_score(each)}"))
        if each.said:
            lines.append(Text(f"   {each.said}", "dim"))
    return Group(*lines)


def unfinished(course: Course) -> Exercise:
    """Return the first exercise that is not done; the last one where all are."""
    standings = [standing(course, each) for each in course.exercises]
    return next((each.exercise for each in standings if not each.done), course.exercises[-1])


def bar(score: float, most: float) -> Text:
    """Points as a bar of a fixed width."""
    full = round(_BAR * score / most) if most else 0
    full = min(full, _BAR - 1) if score < most else full
    return Text("█" * full, "green").append("░" * (_BAR - full), "dim")


def _next_step(standings: list[Standing]) -> str:
    """Return the first thing that is not done, and the command for it."""
    for each in standings:
        if each.done:
            continue
        command = f"grader check {each.exercise.id}"
        if each.refused:
            return f"Next: mend what would be refused of {each.exercise.id}, as said above."
        if not each.begun:
            lesson = f"exercises/{each.exercise.id}/README.md"
            return f"Next: read {lesson}, then run `{command}`."
        if each.failing is not None:
            check = each.failing
            hint = f"grader hint {check.exercise} {check.name}"
            return f"Next: {check.id}, {check.title}. Run `{command}`, or `{hint}`."
        if each.undecided:
            return f"Next: what {each.exercise.id} could not be checked for: {each.undecided}"
        return f"Next: run `{command}` again."
    unseen = sum(each.unseen for each in standings)
    if unseen:
        return public_tests_pass(unseen)
    return "All done."


def _report(course: Course, exercise: Exercise) -> Report | None:
    report = last_report(course, exercise)
    return rescore(report, course) if report else None


def _state(report: Report | None, *, changed: bool, public: str) -> str:
    if report is None:
        return "not checked yet"
    if changed:
        return "changed since"
    passed = sum(check.outcome is Outcome.PASSED for check in report.checks)
    if report.full:
        return "public tests pass" if public else ""
    return f"{passed} of {len(report.checks)} checks"
