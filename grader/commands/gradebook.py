"""`grader gradebook`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.commands import options


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@options.database
def gradebook(out: Path, url: str | None) -> None:
    """Write the results in OUT, of `grader grade --out`, into an nbgrader gradebook.

    Manual scores, comments and extensions that are in it stay. `grader grade --out` does the same
    by itself for the gradebook in OUT.
    """
    from grader.gradebook.database import default_url  # noqa: PLC0415 - imports nbgrader
    from grader.gradebook.graded import remarks  # noqa: PLC0415 - as above
    from grader.gradebook.nbgrader import fill  # noqa: PLC0415 - as above
    from grader.gradebook.results import Results  # noqa: PLC0415

    course, book = options.this_course(), url or default_url(out)
    count = fill(Results(out).all(), course, book)
    click.echo(f"{count} submissions are in {url or out / 'gradebook.db'}")
    for line in remarks(Results(out).all(), course, book):
        options.warn(line)
