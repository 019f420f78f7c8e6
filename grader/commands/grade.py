"""`grader grade`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from grader.commands import options


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--exercise", metavar="NN", help="Grade this exercise alone.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write all reports to FILE."
)
@options.seed
@options.jobs
@click.option("--details/--no-details", default=None, help="Print a report for each submission.")
@click.option("--unsafe", is_flag=True, help="No sandbox. For authors; never a grade.")
def grade(
    directory: Path,
    exercise: str | None,
    json_file: Path | None,
    seed: int | None,
    jobs: int | None,
    details: bool | None,
    unsafe: bool,
) -> None:
    """Grade every submission in DIRECTORY, each in a sandbox.

    DIRECTORY holds STUDENT/EXERCISE/FILE.py, or STUDENT/exercises/EXERCISE/FILE.py.
    """
    from grader.grade_command import grade_directory  # noqa: PLC0415 - imports pytest

    sys.exit(
        grade_directory(
            options.this_course(),
            directory,
            exercise=exercise,
            json_file=json_file,
            seed=options.seed_or_new(seed),
            jobs=jobs or os.cpu_count() or 1,
            details=details,
            unsafe=unsafe,
            console=options.console(),
        )
    )
