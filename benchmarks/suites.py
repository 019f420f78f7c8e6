"""Each hidden suite on its solution: cold, in a batch, and which passing checks wait."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cpu import Spent, run_measured
from benchmarks.rows import Row
from grader.course import Course, Exercise

BATCH = 6
COLD_RUNS = 3
SLOW = 0.5
"""Seconds; a passing check that takes longer is listed with its reason."""


@dataclass(frozen=True)
class Goal:
    """The limits for one submission, in seconds; None where nothing was promised."""

    cold: float | None = None
    further: float | None = None
    cpu: float | None = None
    """CPU time of a further one."""


# What was promised of each exercise; a measure beyond it is a row that misses its limit.
GOALS = {
    "00": Goal(),
    "01": Goal(cold=1.5, cpu=0.20),
    "02": Goal(cpu=0.20),
    "03": Goal(cpu=0.70),
    "04": Goal(cpu=0.80),
    "05": Goal(cold=2.5, further=1),
    "06": Goal(cold=15, further=8),
    "07": Goal(cold=25, further=15),
}
REASONS = {
    "02.socket-timeout": "real time-outs of 0.1 to 0.2 s run out, and one must not run out early",
    "03.redis-quiet": "the channel is quiet for over a second, the time-out that many write",
    "02.tail-late-file": "tail looks for a missing file once a second, or as often as it is told",
}


def rows(course: Course) -> Iterator[Row]:
    """Yield the rows of each exercise in turn."""
    for exercise in course.exercises:
        yield from _rows_of(course, exercise)


def _rows_of(course: Course, exercise: Exercise) -> Iterator[Row]:
    goal = GOALS.get(exercise.id, Goal())
    with tempfile.TemporaryDirectory() as folder:
        one = _class_of(course, exercise, Path(folder) / "one", 1)
        batch = _class_of(course, exercise, Path(folder) / "batch", BATCH)
        results = Path(folder) / "results.json"
        alone = [_grade(course, one, results, "-j", "1") for _ in range(COLD_RUNS)]
        checks = [
            check
            for report in json.loads(results.read_text())["reports"]
            for check in report["checks"]
        ]
        # One after another for the first, as many at a time as keep the cores busy for a batch.
        many = _grade(course, batch, results)
    cold = Spent(
        wall=statistics.median(spent.wall for spent in alone),
        cpu=statistics.median(spent.cpu for spent in alone),
    )
    name, cores = exercise.id, os.cpu_count() or 1
    yield Row(f"{name}: one submission, cold, sandboxed", cold.wall, "s", goal.cold)
    each = (many.wall - cold.wall) / (BATCH - 1)
    yield Row(f"{name}: each further one in a batch, {cores} cores", each, "s", goal.further)
    cpu = (many.cpu - cold.cpu) / (BATCH - 1)
    yield Row(f"{name}: CPU time of each further one", cpu, "s", goal.cpu)
    for check in checks:
        if check["seconds"] > SLOW:
            reason = REASONS.get(check["id"], "")
            yield Row(f"waits: {check['id']}", check["seconds"], "s", beside=reason)


def _grade(course: Course, folder: Path, results: Path, *jobs: str) -> Spent:
    command = [sys.executable, "-m", "grader", "grade", str(folder), "--json", str(results)]
    return run_measured([*command, "--no-details", *jobs], course.root)


def _class_of(course: Course, exercise: Exercise, folder: Path, size: int) -> Path:
    """Make a class of `size` students who all hand in the solution."""
    for number in range(size):
        shutil.copytree(course.solution(exercise), folder / f"student{number}" / exercise.id)
    return folder
