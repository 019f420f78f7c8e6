"""`grader report`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.commands import options


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--submissions",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder that was graded: the page also says who handed in nearly the same.",
)
@options.database
def report(out: Path, submissions: Path | None, url: str | None) -> None:
    """Write pages about the results in OUT, of `grader grade --out`.

    OUT/class.html is for you: distribution, submissions, and how each check did. OUT/feedback
    holds a page for each student, as HTML and as Markdown.
    """
    from grader.reports.command import write_pages  # noqa: PLC0415 - imports the templates

    count = write_pages(out, options.this_course(), submissions, url, options.warn)
    click.echo(f"{out / 'class.html'}, and feedback for {count} students in {out / 'feedback'}")
