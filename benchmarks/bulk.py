"""A thousand submissions: linear in time, flat in memory, and cheap to go on with."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from benchmarks.rows import Row
from grader.authoring.specimens import find_specimens
from grader.course import Course

COUNT = 1000
HANGS = {"chaff/waits-by-itself"}
"""Waits for three deadlines: thirty of it would only make the benchmark longer."""


def rows(course: Course, count: int = COUNT) -> Iterator[Row]:
    """Grade `count` variations of the known submissions of exercise 01, then once more."""
    with tempfile.TemporaryDirectory() as folder:
        submissions, out = Path(folder) / "submissions", Path(folder) / "out"
        make_class(course, submissions, count)
        command = [sys.executable, "-m", "grader", "grade", str(submissions), "--out", str(out)]
        command.append("--no-details")
        start = time.perf_counter()
        with subprocess.Popen(command, cwd=course.root, stdout=subprocess.DEVNULL) as run:
            peak, landed = _watch(run, out / "reports", start)
        total = time.perf_counter() - start
        tenth = count // 10
        first, last = landed[tenth - 1] - landed[0], landed[-1] - landed[-tenth]
        name = f"01: {count} submissions"
        yield Row(name, total, "s", beside=f"{count / total * 60:.0f} a minute")
        yield Row(f"{name}, the last tenth against the first", last / first, "times", 1.25)
        yield Row(f"{name}, memory of all processes at most", peak, "MB", 500)
        start = time.perf_counter()
        subprocess.run(command, cwd=course.root, stdout=subprocess.DEVNULL, check=False)
        yield Row(f"{name}, the same again: nothing to run", time.perf_counter() - start, "s")


def make_class(course: Course, folder: Path, count: int) -> None:
    """`count` submissions of exercise 01, made of the known ones; no two are the same."""
    exercise = course.exercise("01")
    known = [each for each in find_specimens(course, exercise) if each.name not in HANGS]
    for number, specimen in enumerate(islice(cycle(known), count)):
        target = folder / f"student{number:04}" / exercise.id
        target.mkdir(parents=True)
        for name, content in specimen.submission.files.items():
            (target / name).write_bytes(content + f"\n# handed in as number {number}\n".encode())


def _watch(run: subprocess.Popen[bytes], reports: Path, start: float) -> tuple[float, list[float]]:
    """Return the largest memory (MB) of the run's processes, and when each result came (s)."""
    peak, landed = 0.0, list[float]()
    while run.poll() is None:
        time.sleep(0.2)
        peak = max(peak, sum(_proportional_mb(pid) for pid in _tree(run.pid)))
        came = sum(1 for _ in reports.glob("*/*.json"))
        landed += [time.perf_counter() - start] * (came - len(landed))
    return peak, landed


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        found = [
            child
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:  # it ended meanwhile
        return
    for child in found:
        yield from _tree(int(child))


def _proportional_mb(pid: int) -> float:
    """Return a process's share of memory: what it has with others counts in parts (PSS)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
