"""`grader release`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.commands import options


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
def release(directory: Path) -> None:
    """Make the students' copy in DIRECTORY: no solution and no hidden suite in it."""
    from grader.authoring.release import make_release  # noqa: PLC0415 - as in the other commands

    files = make_release(options.this_course(), directory)
    click.echo(f"{directory}: {len(files)} files for students")
