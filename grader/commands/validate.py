"""`grader validate`."""

from __future__ import annotations

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
@click.option("--mutants", is_flag=True, help="Right submissions with one small mistake each.")
@click.option("--rewrites", is_flag=True, help="Right submissions, written otherwise.")
@click.option("--source", metavar="NAME", help="Of this one alone: solution, wheat, wheat/NAME.")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    help="So many, by the seed; without --mutants or --rewrites, right ones of each exercise and "
    "wrong ones of each check.",
)
@click.option("--matching", metavar="TEXT", help="Those whose id holds this text.")
@click.option("--list", "listed", is_flag=True, help="Print them, and grade none.")
@options.seed
@options.jobs
def validate(
    exercise: str | None,
    messages: Path | None,
    mutants: bool,
    rewrites: bool,
    source: str | None,
    sample: int | None,
    matching: str | None,
    listed: bool,
    seed: int | None,
    jobs: int | None,
) -> None:
    """Prove that the suites measure what they say: solutions, stubs, wheats and chaffs.

    With --mutants, by mistakes that a machine makes in right submissions: one that no check
    notices is printed, unless tests/submissions/mutants/NN.toml says why it is none. With
    --rewrites, by right submissions that a machine writes otherwise: all must get full marks.
    """
    if mutants or rewrites:
        from grader.authoring.mutants.asked import Asked  # noqa: PLC0415 - as below
        from grader.authoring.mutants.command import validate_mutants  # noqa: PLC0415
        from grader.authoring.mutants.rewritten import validate_rewrites  # noqa: PLC0415

        asked = Asked(
            exercise=exercise,
            source=source,
            seed=options.seed_or_new(seed),
            jobs=jobs,
            sample=sample,
            matching=matching,
            listed=listed,
        )
        course, console = options.this_course(), options.console()
        chosen = [validate_mutants] * mutants + [validate_rewrites] * rewrites
        sys.exit(max(run(course, asked, console) for run in chosen))
    if source or matching or listed:
        raise click.UsageError("--source, --matching and --list go with --mutants or --rewrites")
    from grader.authoring.validate import validate_course  # noqa: PLC0415 - imports pytest

    sys.exit(
        validate_course(
            options.this_course(),
            exercise=exercise,
            messages=messages,
            seed=options.seed_or_new(seed),
            jobs=jobs,
            console=options.console(),
            sample=sample,
        )
    )
