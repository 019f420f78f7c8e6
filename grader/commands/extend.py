"""`grader extend`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from grader.commands import options


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.argument("student")
@click.argument("exercise")
@click.option("--days", type=click.FloatRange(min=0), required=True, help="0 takes it back.")
@options.database
def extend(out: Path, student: str, exercise: str, days: float, url: str | None) -> None:
    """Let STUDENT hand in EXERCISE later by so many days after the due date.

    The extension is kept in the gradebook of OUT. Penalties follow with the next
    `grader grade --out OUT` or `grader gradebook OUT`, without a run.
    """
    from grader.gradebook import default_url  # noqa: PLC0415 - imports nbgrader
    from grader.gradebook import extend as grant  # noqa: PLC0415

    found = options.this_course().exercise(exercise)
    out.mkdir(parents=True, exist_ok=True)
    grant(url or default_url(out), student, found, timedelta(days=days))
    click.echo(f"{student} may hand in {found.id} {days:g} days later")
