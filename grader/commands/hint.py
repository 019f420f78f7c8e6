"""`grader hint`."""

from __future__ import annotations

import click

from grader.commands import options


@click.command()
@click.argument("exercise")
@click.argument("check", required=False)
def hint(exercise: str, check: str | None) -> None:
    """Say a bit more about a CHECK of EXERCISE each time that you ask.

    First a nudge, then the concept and where the lesson explains it, last nearly the answer.
    Without CHECK it is the first one that failed last. For example: grader hint 01 byte-offset
    """
    from grader.hints import about, print_hint  # noqa: PLC0415 - rich's tables

    course = options.this_course()
    print_hint(course, about(course, course.exercise(exercise), check), options.console())
