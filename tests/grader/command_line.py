"""The command line, run as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def grader(
    root: Path, *args: str, timeout: int = 120, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `grader ARGS` in `root`."""
    return subprocess.run(
        [sys.executable, "-m", "grader", *args],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=os.environ | {"COLUMNS": "200"} | (env or {}),
    )


def grade(root: Path, *args: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Grade `root`/subs; the exit code and the reports by student."""
    done = grader(root, "grade", "subs", "--json", "out.json", *args)
    assert "Traceback" not in done.stderr + done.stdout
    document = json.loads((root / "out.json").read_text())
    return done.returncode, {report["student"]: report for report in document["reports"]}


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    """Check id to outcome."""
    return {check["id"]: check["outcome"] for check in report["checks"]}


def messages(report: dict[str, Any]) -> str:
    """All messages of a report."""
    return "\n".join(check["message"] for check in report["checks"])


def wait_for(condition: Callable[[], Any]) -> Any:
    """What `condition` gives once it is true."""
    deadline = time.monotonic() + 30
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come within 30 s"
        time.sleep(0.01)
    return found
