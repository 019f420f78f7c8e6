"""Hints, step by step: a nudge, the concept with its place in the lesson, nearly the answer."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.course import Check, Course, Exercise
from grader.errors import GraderError
from grader.learn.last import last
from grader.learn.lessons import headings
from grader.learn.own_work import hints_shown, keep_hints
from grader.report import WITHOUT_HINT, CheckResult, Kind
from grader.reports.terminal import visible

_OF_KINDS = {
    Kind.NOT_FILLED_IN: "The function that is named still has the stub's `raise`. Write it: its "
    "docstring says what it promises, the lesson how.",
    Kind.NOT_IMPORTABLE: "Nothing else can be looked at before that is mended. Where a line is "
    "named, look at it, and at the one before it.",
    # Also where it is a wrong event that is named: after that, it came to no end.
    Kind.HUNG: "It never came to an end. Does it wait for an event that it missed, or for one more "
    "than it needs? And what ends its loop?",
    Kind.CRASHED: "Read the name of the exception, its words and its line first. What does that "
    "line expect, and what did it find?",
}
"""What helps with a kind of failure, whatever check it came up in."""


@dataclass(frozen=True)
class Step:
    """One step of a hint."""

    name: str
    text: str
    link: str = ""


def first(check: Check, kind: Kind | None) -> str:
    """Return the first words of help with a failure of that kind."""
    return _OF_KINDS.get(kind, check.hint) if kind is not None else check.hint


def steps(course: Course, check: Check, kind: Kind | None = None) -> tuple[Step, ...]:
    """Return the steps for a check that failed in that way, one at least.

    What helps with the kind comes before what course.toml has for the check, or in its place.
    """
    found = [Step("first", _OF_KINDS[kind])] if kind in _OF_KINDS else []
    if kind in WITHOUT_HINT:
        return tuple(found)
    found.append(Step("nudge", check.hint))
    if check.concept is not None:
        found.append(Step("concept", check.concept, _link(course, check)))
    if check.nearly is not None:
        found.append(Step("nearly", check.nearly))
    return tuple(found)


@dataclass(frozen=True)
class About:
    """The subject of a hint: a check, and how it failed, where it did."""

    check: Check
    failure: CheckResult | None = None

    @property
    def kind(self) -> Kind | None:
        """The kind of the failure."""
        return self.failure.kind if self.failure is not None else None


def about(course: Course, exercise: Exercise, name: str | None) -> About | None:
    """Return what is asked for: a check by its name, else the failure to mend first.

    Before any check ran, it is the first one; None: nothing failed.

    Raises:
        CourseError: there is no check of that name.
    """
    report = last(course, exercise)
    if name is not None:
        check = exercise.named(name)
        failed = (row for row in report.checks if row.kind) if report is not None else ()
        return About(check, next((row for row in failed if row.id == check.id), None))
    if report is None:
        return About(exercise.checks[0])
    failure = report.first_failure
    known = exercise.check(failure.id) if failure is not None else None
    return About(known, failure) if known is not None else None


def shown(course: Course, check: Check, kind: Kind | None = None) -> tuple[Step, ...]:
    """Return the steps that were shown before."""
    return steps(course, check, kind)[: hints_shown(course).get(_key(check, kind), 0)]


def one_more(course: Course, check: Check, kind: Kind | None = None) -> tuple[Step, ...]:
    """Return the steps that were shown before and the next one, which counts as shown from now on.

    Where that cannot be kept, as in a read-only folder, the next one is the same again.
    """
    every, before = steps(course, check, kind), hints_shown(course)
    count = min(before.get(_key(check, kind), 0) + 1, len(every))
    with suppress(GraderError):
        keep_hints(course, before | {_key(check, kind): count})
    return every[:count]


def table(some: tuple[Step, ...]) -> Table:
    """Lay out steps as lines: what each is, and what it says."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for step in some:
        grid.add_row(Text(step.name, "dim"), Text(step.text, "cyan"))
        if step.link:
            # Whole, on a line of its own where it does not fit: it is there to be copied.
            grid.add_row("", Text(step.link, overflow="fold"))
    return grid


def forget(course: Course, exercise: Exercise) -> None:
    """Begin the exercise's hints anew.

    Raises:
        GraderError: that cannot be kept.
    """
    before = hints_shown(course)
    after = {
        name: count for name, count in before.items() if exercise.check(_check_of(name)) is None
    }
    if after != before:
        keep_hints(course, after)


def print_hint(course: Course, asked: About, console: Console) -> None:
    """Print the failure, the next step of its hints under those before it, and what follows."""
    check = asked.check
    some = one_more(course, check, asked.kind)
    every = steps(course, check, asked.kind)
    console.print(Text(f"{check.id}: {check.title}", "bold"))
    if asked.failure is not None:
        console.print(Padding(Text(visible(asked.failure.message)), (0, 0, 0, 2)))
    console.print(table(some))
    again = f"grader hint {check.exercise} {check.name}"
    if len(some) < len(every):
        said = f"Step {len(some)} of {len(every)}. Once more for the next: {again}"
    elif asked.failure is not None and asked.failure.log:
        said = f"That was the last step. See it happen: grader replay {check.exercise} {check.name}"
    else:
        said = "That was the last step."
    console.print(Text(said, "dim"))


def _key(check: Check, kind: Kind | None) -> str:
    """Return what the steps that were shown are kept under: those of a kind are others."""
    return f"{check.id}/{kind}" if kind in _OF_KINDS else check.id


def _check_of(key: str) -> str:
    return key.partition("/")[0]


def _link(course: Course, check: Check) -> str:
    if check.lesson is None:
        return ""
    path = course.lesson(course.exercise(check.exercise))
    try:
        heading = headings(path.read_text(encoding="utf-8")).get(check.lesson)
    except (OSError, UnicodeDecodeError):
        heading = None
    place = f"{path.relative_to(course.root).as_posix()}#{check.lesson}"
    return f'"{heading}" in {place}' if heading else place
