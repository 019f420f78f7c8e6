"""`grader export`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.commands import options


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "kind",
    required=True,
    type=click.Choice(["csv", "canvas", "moodle", "json", "junit", "gradescope", "jplag"]),
    help="csv: nbgrader's columns. gradescope: FILE is a folder, with a results.json a submission. "
    "jplag: OUT is the folder of submissions, FILE a new folder for JPlag or MOSS.",
)
@click.option(
    "--submissions",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder that `grader intake` filled: canvas has Canvas's numbers for the students.",
)
@click.option(
    "--bom",
    is_flag=True,
    help="csv, canvas, moodle: begin with a byte-order mark, so that Excel reads accented names.",
)
@options.database
def export(
    out: Path,
    file: Path | None,
    kind: str,
    submissions: Path | None,
    bom: bool,
    url: str | None,
) -> None:
    """Write the grades in OUT, of `grader grade --out`, for another program.

    To FILE, or to standard output. A provisional result is marked, and is no grade in any format.
    """
    from grader.reports.command import TABLES  # noqa: PLC0415 - imports the templates
    from grader.reports.command import export as write  # noqa: PLC0415

    if bom and kind not in TABLES:
        raise click.UsageError(f"--bom is for {', '.join(TABLES)}: {kind} is no table.")
    undecided = write(
        out, options.this_course(), kind, file, url=url, submissions=submissions, bom=bom
    )
    if undecided:
        click.echo(f"{undecided} submissions are provisional and have no grade", err=True)
