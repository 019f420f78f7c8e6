"""`grader compare` against its limits; as a program, whether the lessons are right in each run.

`python -m benchmarks.compare --runs 5`
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rows import Row
from grader.compare.result import Comparison
from grader.compare.run import Options, compare
from grader.compare.show.orderings import judged
from grader.compare.show.table import problems
from grader.compare.techniques.catalog import techniques_in
from grader.course import Course, load_course

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 180
RATIO = 0.8
"""Of the bare client loop's throughput that a solution has to reach."""


def rows(course: Course) -> Iterator[Row]:
    """Yield the length of a full run, and each solution beside the bare client's loop."""
    yield from _rows(compare(course, Options(), lambda _: None))


def _rows(found: Comparison) -> Iterator[Row]:
    yield Row("compare: a full run", found.seconds, "s", SECONDS)
    for technique in techniques_in(found):
        column = found.column(technique.id, found.subject)
        bare = found.column(technique.id, "bare")
        if column and column.throughput and bare and bare.throughput:
            yield Row(
                f"compare: {technique.title}, of the bare client loop's throughput",
                column.throughput.ratio or 0,
                "",
                RATIO,
                at_least=True,
                beside=f"bare: {bare.throughput.per_second:,.0f} events/s",
            )


def main() -> int:
    """Print what did not hold, run by run; exit code 1 when anything did not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    course = load_course(ROOT)
    missed = 0
    for number in range(1, options.runs + 1):
        found = compare(course, Options(), lambda _: None)
        held = {each.sentence: holds for each, holds in judged(found)}
        said = [sentence for column in found.columns for sentence in problems(column)]
        said += [f"does not hold: {name}" for name, holds in held.items() if holds is False]
        said += [f"not measured: {name}" for name, holds in held.items() if holds is None]
        said += [str(row).removeprefix("✗").strip() for row in _rows(found) if not row.met]
        missed += len(said)
        count = sum(holds is True for holds in held.values())
        print(
            f"run {number}, {found.seconds:.0f} s, seed {found.seed}: "
            f"{count} of {len(held)} orderings hold",
            flush=True,
        )
        for line in said:
            print(f"✗ {line}", flush=True)
    print(f"{options.runs} runs: {f'{missed} misses' if missed else 'every ordering held in each'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
