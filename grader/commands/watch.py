"""`grader watch`."""

from __future__ import annotations

import click

from grader.commands import options


@click.command()
@click.argument("exercise", required=False)
def watch(exercise: str | None) -> None:
    """Check EXERCISE on every save, and show the first thing that does not work yet.

    Without EXERCISE it is the first one that is not done. On drives that send no events of
    changes (WSL2, network drives), set WATCHFILES_FORCE_POLLING=1.
    """
    from grader.learn.status import unfinished  # noqa: PLC0415 - rich's tables
    from grader.learn.watch import watch_course  # noqa: PLC0415 - imports pytest

    course = options.this_course()
    wanted = course.exercise(exercise) if exercise else unfinished(course)
    watch_course(course, wanted, options.console())
