"""`grader export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.commands import options
from grader.course import Course

if TYPE_CHECKING:
    from grader.reports.fill import Filled


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "canvas", "moodle", "json", "junit", "gradescope", "jplag"]),
    help="csv: nbgrader's columns. gradescope: FILE is a folder, with a results.json a submission. "
    "jplag: OUT is the folder of submissions, FILE a new folder for JPlag or MOSS.",
)
@click.option(
    "--into",
    "table",
    metavar="TABLE",
    type=click.Path(path_type=Path, dir_okay=False, readable=False),
    help="The table of grades that your LMS exported, instead of a format: FILE is a copy of it "
    "with the grades filled in.",
)
@click.option("--exercise", metavar="NN", default="", help="This exercise alone.")
@click.option(
    "--submissions",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder that `grader intake` filled: Canvas's and Moodle's numbers of the students.",
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
    kind: str | None,
    table: Path | None,
    exercise: str,
    submissions: Path | None,
    bom: bool,
    url: str | None,
) -> None:
    """Write the grades in OUT, of `grader grade --out`, for another program.

    To FILE, or to standard output. A provisional result is marked, and is no grade in any format.

    Exit codes: 0 done, 1 a graded student has no row of the TABLE (a line each), 2 not done.
    """
    from grader.reports.export import TABLES, export_into  # noqa: PLC0415 - imports the templates
    from grader.reports.export import export as write  # noqa: PLC0415

    course = options.this_course()
    if (kind is None) == (table is None):
        raise click.UsageError("Say either --format, or --into with a table of your LMS.")
    if table is not None:
        if bom or file is None:
            raise click.UsageError("--into takes a FILE for the copy, and keeps the table's form.")
        _tell_outdated(out, course, kind)
        filled = export_into(
            out,
            course,
            table,
            file,
            exercise=exercise,
            url=url,
            submissions=submissions,
            tell=options.warn,
        )
        _tell(filled, table)
        sys.exit(1 if filled.without_row else 0)
    assert kind is not None
    if bom and kind not in TABLES:
        raise click.UsageError(f"--bom is for {', '.join(TABLES)}: {kind} is no table.")
    _tell_outdated(out, course, kind)
    undecided = write(
        out,
        course,
        kind,
        file,
        exercise=exercise,
        url=url,
        submissions=submissions,
        bom=bom,
        tell=options.warn,
    )
    _tell_undecided(undecided)


def _tell(filled: Filled, table: Path) -> None:
    """Say who is not in the table, and what of it was replaced or stayed."""
    rows = f"{filled.without_work} row{' stays' if filled.without_work == 1 else 's stay'}"
    for line in (
        *(f"is not filled in: {line}" for line in filled.without_row),
        *([f"{rows} as in {table}: nobody of that name was graded"] * bool(filled.without_work)),
        *(f"a grade is replaced: {line}" for line in filled.replaced),
        *(f"a comment stays, and no feedback is entered: {line}" for line in filled.kept),
        *(
            f"is filled in, but Moodle says that it cannot be changed: {who}"
            for who in filled.locked
        ),
    ):
        options.warn(line)
    _tell_undecided(filled.undecided)


def _tell_undecided(count: int) -> None:
    if count:
        click.echo(f"{count} submissions are provisional and have no grade", err=True)


def _tell_outdated(out: Path, course: Course, kind: str | None) -> None:
    if kind == "jplag":  # its OUT holds submissions
        return
    from grader.gradebook.results import Results  # noqa: PLC0415 - imports pydantic's models
    from grader.grading.outdated import out_of_date  # noqa: PLC0415 - imports pytest

    for line in out_of_date(Results(out), course):
        options.warn(line)
