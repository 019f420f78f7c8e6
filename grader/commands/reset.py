"""`grader reset`."""

from __future__ import annotations

from datetime import datetime

import click

from grader.commands import options


@click.command()
@click.argument("exercise")
def reset(exercise: str) -> None:
    """Start EXERCISE again: its stubs come back, your files are kept aside.

    Its hints begin again with the first step.
    """
    from grader.learn.hints import forget  # noqa: PLC0415 - as the other commands
    from grader.learn.reset import reset_exercise  # noqa: PLC0415 - as the other commands

    course = options.this_course()
    wanted = course.exercise(exercise)
    done = reset_exercise(course, wanted, datetime.now().astimezone())
    forget(course, wanted)
    for path, aside in done:
        click.echo(f"{path.relative_to(course.root)} is the stub again.")
        if aside.exists():
            click.echo(f"Your file is in {aside.relative_to(course.root)}.")
    if not done:
        click.echo("Nothing to do: the files are the stubs.")
