"""Runs every benchmark and prints a row for each number; exit code 1 when one misses its limit."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import (
    bulk,
    compare,
    event_generator,
    grading,
    nbgrader,
    pages,
    suites,
    watch,
)
from benchmarks.rows import Row
from grader.course import load_course

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Print the rows as they come."""
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}")
    missed = 0
    for row in _rows():
        print(row, flush=True)
        missed += not row.met
    print(f"{missed} of the limits missed" if missed else "every limit met")
    return 1 if missed else 0


def _rows() -> Iterator[Row]:
    course = load_course(ROOT)
    yield from grading.sandbox_rows()
    yield from grading.rows(course)
    yield from watch.rows(course)
    yield from suites.rows(course)
    yield from event_generator.rows()
    yield from nbgrader.rows(course)
    yield from compare.rows(course)
    yield from bulk.rows(course)
    yield from pages.rows(course)


if __name__ == "__main__":
    sys.exit(main())
