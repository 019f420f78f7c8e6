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
    from grader.gradebook.results import Results  # noqa: PLC0415 - imports pydantic's models
    from grader.grading.outdated import out_of_date  # noqa: PLC0415 - imports pytest
    from grader.reports.write import write_pages  # noqa: PLC0415 - imports the templates

    course = options.this_course()
    count = write_pages(
        out,
        course,
        submissions,
        url,
        outdated=lambda handed_in: out_of_date(Results(out), course, handed_in),
        tell=options.warn,
    )
    click.echo(f"{out / 'class.html'}, and feedback for {count} students in {out / 'feedback'}")
