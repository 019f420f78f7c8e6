"""`grader validate`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from grader.commands import options


@click.command()
@click.option("--exercise", metavar="NN", help="This exercise alone.")
@click.option(
    "--messages",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what wrong submissions are told to this page.",
)
@options.seed
@options.jobs
def validate(
    exercise: str | None, messages: Path | None, seed: int | None, jobs: int | None
) -> None:
    """Prove that the suites measure what they say: solutions, stubs, wheats and chaffs."""
    from grader.validate import validate_course  # noqa: PLC0415 - imports pytest

    sys.exit(
        validate_course(
            options.this_course(),
            exercise=exercise,
            messages=messages,
            seed=options.seed_or_new(seed),
            # Wrong submissions mostly wait for their deadline: more at a time than there are cores.
            jobs=jobs or 4 * (os.cpu_count() or 1),
            console=options.console(),
        )
    )
