"""The command line, run as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


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
