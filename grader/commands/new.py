"""`grader new`: skeletons for authors."""

from __future__ import annotations

import click

from grader.commands import options


@click.group()
def new() -> None:
    """Write the skeleton of an exercise or a check, which `grader validate` passes at once."""


@new.command()
@click.argument("number", metavar="NN")
@click.argument("title")
@click.option("--file", metavar="NAME.py", required=True, help="What a student hands in.")
@click.option("--service", "services", multiple=True, help="A service behind it.")
def exercise(number: str, title: str, file: str, services: tuple[str, ...]) -> None:
    """Write exercise NN with lesson, stub, tests, solution, a wheat and a chaff."""
    from grader.authoring.new import NewExercise, new_exercise  # noqa: PLC0415 - as elsewhere

    wanted = NewExercise(number.zfill(2), title, file, services)
    for path in new_exercise(options.this_course(), wanted):
        click.echo(path.as_posix())
    click.echo(f"Now: grader validate --exercise {wanted.id}, which says what is a placeholder.")


@new.command()
@click.argument("check_id", metavar="NN.SLUG")
def check(check_id: str) -> None:
    """Write a check with a hidden test that proves it and a chaff that fails it."""
    from grader.authoring.new import new_check  # noqa: PLC0415 - as elsewhere

    for path in new_check(options.this_course(), check_id):
        click.echo(path.as_posix())
    exercise_id = check_id.partition(".")[0]
    click.echo(f"Now: grader validate --exercise {exercise_id}, which says what is a placeholder.")
