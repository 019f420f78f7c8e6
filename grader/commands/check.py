"""`grader check`."""

from __future__ import annotations

import sys

import click

from grader.commands import options


@click.command()
@click.argument("exercise", required=False)
@options.seed
def check(exercise: str | None, seed: int | None) -> None:
    """Check your own work: the public tests, then the hidden suite where it is present.

    EXERCISE is a number such as 01; without it, every exercise is checked.
    """
    from grader.learn.check import check_own_work  # noqa: PLC0415 - pytest's import waits until needed

    course = options.this_course()
    wanted = [course.exercise(exercise)] if exercise else list(course.exercises)
    sys.exit(check_own_work(course, wanted, options.seed_or_new(seed), options.console()))
