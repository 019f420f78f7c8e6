"""The screen of `grader watch`: progress, the failure to mend first, and its hints."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from grader.course import Course, Exercise
from grader.learn import hints
from grader.learn.proof import public_tests_pass
from grader.learn.status import bar
from grader.report import CheckResult, Outcome, Report
from grader.reports.terminal import MARKS, number, visible

_PRINTED = 400
"""Characters of what the check printed; the screen is small."""


class Screen:
    """Prints the parts of the screen of one exercise."""

    def __init__(self, course: Course, exercise: Exercise, console: Console) -> None:
        self._course = course
        self._exercise = exercise
        self._console = console

    def show_title(self, report: Report | None) -> None:
        """Print the exercise and how far it is."""
        score = report.score if report else 0.0
        most = report.max_score if report else self._exercise.max_score
        title = Text(f"{self._exercise.id} {self._exercise.title}  ", "bold")
        title.append_text(bar(score, most)).append(f"  {number(score)}/{number(most)}")
        self._console.print(title)
        self._console.print()

    def show_summary(self, report: Report, failure: CheckResult | None, *, following: bool) -> None:
        """Print how many checks pass; where all do, what that shows and what comes next."""
        if failure is None:
            more = " n goes on." if following else " That was the last exercise."
            self._console.print(Text(self._all_pass(report) + more, "green"))
            return
        passed = sum(each.outcome is Outcome.PASSED for each in report.checks)
        ran = sum(each.outcome is not Outcome.SKIPPED for each in report.checks)
        said = f"{passed} of {len(report.checks)} checks pass."
        if ran < len(report.checks):
            said = f"{passed} of the {ran} checks that ran pass; there are {len(report.checks)}."
        what = "First failure:" if failure.kind is not None else "Not checked:"
        self._console.print(Text(f"{said} {what}", "dim"))

    def _all_pass(self, report: Report) -> str:
        if not self._course.hidden_suite(self._exercise).is_dir():
            return public_tests_pass(len(self._exercise.checks) - len(report.checks))
        proved = self._exercise.proved
        said = f"All {len(report.checks)} checks pass."
        return f"{said} What was just proved: {proved}" if proved else said

    def show_failure(self, failure: CheckResult, *, hint: bool) -> None:
        """Print a failure, what was printed in it, and with `hint` its steps so far."""
        console = self._console
        mark, color = MARKS[failure.outcome]
        console.print(Text(f"{mark} {failure.id}: {failure.title}", color))
        console.print(Padding(Text(visible(failure.message)), (0, 0, 0, 2)))
        if printed := failure.printed.strip():
            console.print(Text("  it printed (the end of it):", "dim"))
            console.print(Padding(Text(visible(printed)[-_PRINTED:], "dim"), (0, 0, 0, 4)))
        known = self._exercise.check(failure.id)
        if hint and known is not None:
            steps = hints.shown(self._course, known, failure.kind)
            every = hints.steps(self._course, known, failure.kind)
            console.print()
            console.print(Padding(hints.table(steps), (0, 0, 0, 2)))
            if len(steps) < len(every):
                console.print(Text(f"  h for step {len(steps) + 1} of {len(every)}", "dim"))
            if failure.log:
                story = f"  the story: grader replay {self._exercise.id} {known.name}"
                console.print(Text(story, "dim"))
