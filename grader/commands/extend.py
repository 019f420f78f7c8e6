"""`grader extend`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from grader.commands import options
from grader.errors import GraderError, did_you_mean
from grader.files import make_folder
from grader.spelling import normal

_MOST_DAYS = 3650


def _bounded(_: click.Context, __: click.Parameter, days: float) -> float:
    if not 0 <= days <= _MOST_DAYS:  # nor is `nan`
        raise click.BadParameter(f"{days:g} is not a number of days from 0 to {_MOST_DAYS}.")
    return days


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.argument("student")
@click.argument("exercise")
@click.option("--days", type=float, required=True, callback=_bounded, help="0 takes it back.")
@click.option("--new", is_flag=True, help="OUT holds no results of STUDENT yet.")
@options.database
def extend(out: Path, student: str, exercise: str, days: float, new: bool, url: str | None) -> None:
    """Let STUDENT hand in EXERCISE later by so many days after the due date.

    The extension is kept in the gradebook of OUT, or of --db. Penalties follow with the next
    `grader grade --out OUT` or `grader gradebook OUT`, with the same --db, without a run.
    """
    from grader.gradebook.database import default_url  # noqa: PLC0415 - imports nbgrader
    from grader.gradebook.nbgrader import extend as grant  # noqa: PLC0415

    found = options.this_course().exercise(exercise)
    student = normal(student)
    if new:
        make_folder(out)
    else:
        _require_results(out, student)
    grant(url or default_url(out), student, found, timedelta(days=days))
    click.echo(f"{student} may hand in {found.id} {days:g} days later")


def _require_results(out: Path, student: str) -> None:
    """Refuse who has no results: a name that is mistyped would get an extension of its own."""
    from grader.gradebook.results import Results, folder_name  # noqa: PLC0415 - imports pydantic's models

    known = Results(out).students()
    if folder_name(student) in known:
        return
    near = did_you_mean(student, known)
    new = "Add --new for somebody who has not handed in anything."
    raise GraderError(f"{out} holds no results of {student}", f"{near} {new}".lstrip())
