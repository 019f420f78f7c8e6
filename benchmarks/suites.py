"""All hidden suites on one submission, and which passing checks wait for something."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rows import Row, seconds
from grader.course import Course

BATCH = 6
SLOW = 0.5
"""Seconds; a passing check that takes longer is listed with its reason."""
REASONS = {
    "02.socket-timeout": "real time-outs of 0.1 to 0.2 s run out, and one must not run out early",
    "03.redis-quiet": "the channel is quiet for over a second, the time-out that many write",
    "02.tail-late-file": "tail looks for a missing file once a second, or as often as it is told",
}


def rows(course: Course) -> Iterator[Row]:
    """Cold, in a batch, and the checks that wait."""
    with tempfile.TemporaryDirectory() as folder:
        one = _class_of(course, Path(folder) / "one", 1)
        batch = _class_of(course, Path(folder) / "batch", BATCH)
        results = Path(folder) / "results.json"
        cold = statistics.median(seconds(lambda: _grade(course, one, results)) for _ in range(3))
        yield Row("every hidden suite on one submission, cold, sandboxed", cold, "s", 12)
        checks = [
            check
            for report in json.loads(results.read_text())["reports"]
            for check in report["checks"]
        ]
        # One after another for the first, as many at a time as there are cores for a batch.
        many = seconds(lambda: _grade(course, batch, results, parallel=True))
        each = (many - cold) / (BATCH - 1)
        jobs = os.cpu_count() or 1
        yield Row(f"the same for each further one in a batch, {jobs} jobs", each, "s", 6)
    for check in checks:
        if check["seconds"] > SLOW:
            reason = REASONS.get(check["id"], "NO REASON IS KNOWN: see what it waits for")
            yield Row(f"waits: {check['id']}", check["seconds"], "s", beside=reason)


def _grade(course: Course, folder: Path, results: Path, *, parallel: bool = False) -> None:
    command = [sys.executable, "-m", "grader", "grade", str(folder), "--json", str(results)]
    command += ["--no-details", *([] if parallel else ["-j", "1"])]
    subprocess.run(command, cwd=course.root, check=True, capture_output=True)


def _class_of(course: Course, folder: Path, size: int) -> Path:
    for number in range(size):
        shutil.copytree(course.root / "solutions", folder / f"student{number}")
    return folder
