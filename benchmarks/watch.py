"""From a save to the verdict in `grader watch`, on exercise 01."""

from __future__ import annotations

import os
import pty
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rows import Row
from grader.course import Course

SAVES = 9
PATIENCE = 60
_COPIED = ("course.toml", "exercises", "resources", "solutions", "tests/hidden")


def rows(course: Course) -> Iterator[Row]:
    """Yield the median over some saves, each of another file than the one before."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in _COPIED:
            source = course.root / name
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, root / name)
        yield Row("watch: from a save of 01 to its verdict", _median(root), "s", 1)


def _median(root: Path) -> float:
    file = root / "exercises" / "01" / "polling.py"
    right = (root / "solutions" / "01" / "polling.py").read_text()
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "grader", "watch", "01"],
        cwd=root,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm"},
    ) as process:
        os.close(theirs)
        try:
            _wait_for(ours, b"0 of 13 checks pass")
            times = []
            for number in range(SAVES):
                start = time.perf_counter()
                file.write_text(f"{right}\n# {number}\n")
                _wait_for(ours, b"All 13 checks pass")
                times.append(time.perf_counter() - start)
        finally:
            process.terminate()
            process.wait()
            os.close(ours)
    return statistics.median(times)


def _wait_for(terminal: int, text: bytes) -> None:
    seen, deadline = b"", time.monotonic() + PATIENCE
    while text not in seen:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{text!r} was not shown, but {seen[-300:]!r}")
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 1 << 16)
