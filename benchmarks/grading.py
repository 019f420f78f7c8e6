"""How long grading takes: one submission, a batch, two cores against one, and the sandbox alone."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.rows import Row, median_seconds, seconds
from grader.course import Course
from grader.sandbox.base import Sandbox
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.docker import DockerSandbox
from grader.sandbox.setup import Setup
from grader.services.docker_engine import engine_answers

BATCH = 20
ELSEWHERE = (
    "8 trivial checks, no sandbox: nbgrader 4.4 s, otter 3.8 s, check50 0.36 s, pytest 0.24 s"
)


def rows(course: Course) -> Iterator[Row]:
    """Yield the benchmark of exercise 01."""
    with _class_of(course, 1) as one, _class_of(course, BATCH) as many:
        floor = median_seconds(lambda: _public_tests(course))
        yield Row("pytest on the public tests of 01, no sandbox (the floor)", floor, "s")
        cold = median_seconds(lambda: _grade(course, one))
        yield Row("01: one submission, cold, sandboxed", cold, "s", 1.5, beside=ELSEWHERE)
        on_one = statistics.median(seconds(lambda: _grade(course, many, cores=1)) for _ in range(3))
        each = (on_one - cold) / (BATCH - 1)
        yield Row(
            "01: each further one in a batch, one core", each, "s", 0.5, beside="nbgrader 1.3 s"
        )
        cores = os.cpu_count() or 1
        if cores > 1:
            on_two = statistics.median(
                seconds(lambda: _grade(course, many, cores=2)) for _ in range(3)
            )
            ratio = on_one / on_two
            yield Row(
                f"01: {BATCH} submissions, 2 cores against 1", ratio, "times", 1.7, at_least=True
            )


def sandbox_rows() -> Iterator[Row]:
    """Yield what the walls cost; those of a container where an engine runs."""
    yield from _rows_of(BubblewrapSandbox, "sandbox", start=250)
    if engine_answers():
        yield from _rows_of(DockerSandbox, "Docker sandbox")


def _rows_of(kind: type[Sandbox], name: str, start: float | None = None) -> Iterator[Row]:
    starts, runs = [], []
    for _ in range(10):
        sandbox = kind(Setup(files={"polling.py": b""}))
        starts.append(seconds(sandbox.start))
        runs += [seconds(partial(_spawn, sandbox)) for _ in range(20)]
        starts[-1] += seconds(sandbox.close)
    yield Row(f"{name}, start and end", 1000 * statistics.median(starts), "ms", start)
    yield Row(f"one more process in the {name}", 1000 * statistics.median(runs), "ms", 10)


def _spawn(sandbox: Sandbox) -> None:
    sandbox.spawn().channel.close()


def _public_tests(course: Course) -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "01"
        shutil.copytree(course.root / "exercises" / "01", copy)
        shutil.copy(course.root / "solutions" / "01" / "polling.py", copy)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
        subprocess.run([*command, str(copy)], check=True, capture_output=True)


def _grade(course: Course, folder: Path, cores: int | None = None) -> None:
    def pin() -> None:
        if cores is not None:
            os.sched_setaffinity(0, set(range(cores)))

    jobs = [] if cores is None else ["-j", str(cores)]
    subprocess.run(
        [sys.executable, "-m", "grader", "grade", str(folder), "--no-details", *jobs],
        cwd=course.root,
        check=True,
        capture_output=True,
        preexec_fn=pin,
    )


@contextmanager
def _class_of(course: Course, size: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        for number in range(size):
            target = Path(folder) / f"student{number:02}" / "01"
            target.mkdir(parents=True)
            shutil.copy(course.root / "solutions" / "01" / "polling.py", target)
        yield Path(folder)
