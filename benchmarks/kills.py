"""A grader that is killed at random moments, and goes on: it ends as one that was not."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.bulk import make_class
from grader.course import Course

COUNT = 40
SEED = 1


def differences(course: Course, kills: int) -> list[str]:
    """Kill a bulk run `kills` times, finish it, and name each row that is not as it should be."""
    with tempfile.TemporaryDirectory() as folder:
        submissions = Path(folder) / "submissions"
        make_class(course, submissions, COUNT)
        calm, killed = Path(folder) / "calm", Path(folder) / "killed"
        command = [sys.executable, "-m", "grader", "grade", str(submissions), "--no-details"]
        command += ["--seed", str(SEED), "--out"]
        start = time.monotonic()
        _run(course, [*command, str(calm)])
        longest = time.monotonic() - start
        for _ in range(kills):
            run = subprocess.Popen(
                [*command, str(killed)],
                cwd=course.root,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                # All moments from the start to the tenth result or so; each run gets some further.
                run.wait(random.uniform(0, longest / 4))  # noqa: S311 - not a secret
            except subprocess.TimeoutExpired:
                run.kill()
                run.wait()
            for path in killed.glob("reports/*/*.json"):
                json.loads(path.read_text())  # whole, whenever one looks
        _run(course, [*command, str(killed)])
        wanted, found = _verdicts(calm), _verdicts(killed)
    return sorted(
        name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)
    )


def _run(course: Course, command: list[str]) -> None:
    subprocess.run(command, cwd=course.root, stdout=subprocess.DEVNULL, check=False)


def _verdicts(out: Path) -> dict[str, Any]:
    """The stored reports without what differs from run to run: times."""
    found = {}
    for path in out.glob("reports/*/*.json"):
        report = json.loads(path.read_text())
        for check in report["checks"]:
            del check["seconds"], check["log"]
        found[path.parent.name] = report
    return found
