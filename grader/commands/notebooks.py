"""`grader notebooks`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.commands import options


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
def notebooks(directory: Path) -> None:
    """Make an nbgrader course in DIRECTORY: a notebook for each exercise.

    nbgrader's own commands work on it, run in DIRECTORY; `nbgrader autograde` has the hidden suites
    run in the sandbox. The same command again brings a changed course there, and leaves
    submissions and the gradebook alone.
    """
    from grader.notebooks.build import build_notebooks  # noqa: PLC0415 - as in the other commands

    for path in build_notebooks(options.this_course(), directory):
        click.echo(path)
    click.echo(f"Go on in {directory} with `nbgrader generate_assignment 01`.")
