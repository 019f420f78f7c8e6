"""`grader check`."""

from __future__ import annotations

import sys

import click

from grader.commands import options


@click.command()
@click.argument("exercise", required=False)
@click.argument("check", metavar="[CHECK]", required=False)
@options.seed
def check(exercise: str | None, check: str | None, seed: int | None) -> None:
    """Check your own work, by the hidden suite; without one, by the public tests.

    EXERCISE is a number such as 01; without it, every exercise is checked. CHECK is one check of
    it. For example: grader check 01 torn-offset

    Exit codes: 0 all passed, 1 something failed, 2 something could not be checked.
    """
    from grader.learn.check import check_own_work  # noqa: PLC0415 - pytest's import waits until needed

    course = options.this_course()
    wanted = [course.exercise(exercise)] if exercise else list(course.exercises)
    only = wanted[0].named(check) if check else None
    code = check_own_work(course, wanted, options.seed_or_new(seed), options.console(), only)
    sys.exit(code)
