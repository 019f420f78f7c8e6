"""Hints, step by step: a nudge, the concept with its place in the lesson, nearly the answer."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.course import Check, Course, Exercise
from grader.errors import GraderError
from grader.learn.lessons import headings
from grader.learn.own_work import first_failure, hints_shown, keep_hints, last_public, last_report


@dataclass(frozen=True)
class Step:
    """One step of a hint."""

    name: str
    text: str
    link: str = ""


def steps(course: Course, check: Check) -> tuple[Step, ...]:
    """The steps that course.toml has for a check, one at least."""
    found = [Step("nudge", check.hint)]
    if check.concept is not None:
        found.append(Step("concept", check.concept, _link(course, check)))
    if check.nearly is not None:
        found.append(Step("nearly", check.nearly))
    return tuple(found)


def about(course: Course, exercise: Exercise, name: str | None) -> Check | None:
    """The check that is asked for: by its name, else the first one that failed last.

    Before any check ran, the first one; None: nothing failed.

    Raises:
        CourseError: there is no check of that name.
    """
    if name is not None:
        return exercise.named(name)
    ran = last_report(course, exercise) or last_public(course, exercise)
    return first_failure(course, exercise) if ran else exercise.checks[0]


def shown(course: Course, check: Check) -> tuple[Step, ...]:
    """The steps that were shown before."""
    return steps(course, check)[: hints_shown(course).get(check.id, 0)]


def one_more(course: Course, check: Check) -> tuple[Step, ...]:
    """The steps that were shown before and the next one, which counts as shown from now on.

    Where that cannot be kept, as in a read-only folder, the next one is the same again.
    """
    every, before = steps(course, check), hints_shown(course)
    count = min(before.get(check.id, 0) + 1, len(every))
    with suppress(GraderError):
        keep_hints(course, before | {check.id: count})
    return every[:count]


def table(some: tuple[Step, ...]) -> Table:
    """Steps as lines: what each is, and what it says."""
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
    after = {name: count for name, count in before.items() if exercise.check(name) is None}
    if after != before:
        keep_hints(course, after)


def print_hint(course: Course, check: Check, console: Console) -> None:
    """The next step of a check's hints under those before it, and what follows."""
    some, every = one_more(course, check), steps(course, check)
    console.print(Text(f"{check.id}: {check.title}", "bold"))
    console.print(table(some))
    again = f"grader hint {check.exercise} {check.name}"
    if len(some) < len(every):
        said = f"Step {len(some)} of {len(every)}. Once more for the next: {again}"
    elif last_report(course, course.exercise(check.exercise)) is not None:
        said = f"That was the last step. See it happen: grader replay {check.exercise} {check.name}"
    else:
        said = "That was the last step."
    console.print(Text(said, "dim"))


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
