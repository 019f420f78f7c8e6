"""Runs benchmarks and prints a row for each number; exit code 1 when one misses its limit."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from benchmarks import (
    bulk,
    compare,
    event_generator,
    grading,
    nbgrader,
    pages,
    suites,
    watch,
    workers,
)
from benchmarks.kept import KeptRun, dearer, keep, last_values
from benchmarks.rows import Row
from grader.course import Course, load_course

ROOT = Path(__file__).resolve().parents[1]
PARTS: dict[str, Callable[[Course], Iterable[Row]]] = {
    "sandbox": lambda _: grading.sandbox_rows(),
    "grading": grading.rows,
    "watch": watch.rows,
    "suites": suites.rows,
    "event-generator": lambda _: event_generator.rows(),
    "nbgrader": nbgrader.rows,
    "compare": compare.rows,
    "bulk": bulk.rows,
    "pages": pages.rows,
    "workers": workers.rows,
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
@click.option(
    "--keep",
    "kept",
    type=click.Path(dir_okay=False, path_type=Path),
    default=ROOT / "out" / "bench.jsonl",
    help="Where the rows of each run are kept; out/bench.jsonl unless told.",
)
def main(parts: tuple[str, ...], kept: Path) -> None:
    """Measure PARTS, or all there are, and print the rows as they come.

    A row that is a tenth worse than when it was last kept on such a machine says so.
    """
    run = KeptRun.now(ROOT)
    before = last_values(kept, run.machine)
    click.echo(f"{run.commit}: {run.machine}")
    course = load_course(ROOT)
    missed = 0
    try:
        for part in parts or PARTS:
            for row in PARTS[part](course):
                worse = dearer(row, before)
                click.echo(f"{row}  {worse}" if worse else row)
                run.values[row.what] = row.value
                missed += not row.met
    finally:  # what was measured is kept, also where the rest was broken off
        keep(kept, run)
    click.echo(f"{missed} of the limits missed" if missed else "every limit met")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
