"""`grader summary`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.host.standard_streams import write_data


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def summary(files: tuple[Path, ...]) -> None:
    """Print a run of the public tests as Markdown, for the page of a CI.

    FILES are what `pytest exercises/01 --junitxml FILE` wrote.
    """
    from grader.reports.summary import markdown_summary  # noqa: PLC0415 - as in the other commands

    write_data(markdown_summary(list(files)))
