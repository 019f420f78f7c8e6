"""Rows of earlier runs, so that what has become dearer is seen."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ValidationError

from benchmarks.rows import Row

DEARER = 0.10
"""The share from which a change is named; less is chance on a machine that does other things."""


class KeptRun(BaseModel):
    """One run of the benchmark, or of some of its parts."""

    commit: str
    machine: str
    when: str
    values: dict[str, float] = {}
    """What was measured, to its value."""

    @classmethod
    def now(cls, root: Path) -> Self:
        """Return an empty one of this machine and the commit that `root` is at."""
        asked = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=root,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return cls(
            commit=asked.stdout.strip() or "no commit",
            machine=f"Python {platform.python_version()}, {os.cpu_count()} cores",
            when=datetime.now(UTC).isoformat(timespec="seconds"),
        )


def last_values(path: Path, machine: str) -> dict[str, tuple[float, str]]:
    """Return each row's last value on such a machine, and the commit that it was kept of."""
    found: dict[str, tuple[float, str]] = {}
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for line in lines:
        try:
            run = KeptRun.model_validate_json(line)
        except ValidationError:  # broken off while it was written
            continue
        if run.machine == machine:
            found.update({what: (value, run.commit) for what, value in run.values.items()})
    return found


def keep(path: Path, run: KeptRun) -> None:
    """Add a line to the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(run.model_dump_json() + "\n")


def dearer(row: Row, before: Mapping[str, tuple[float, str]]) -> str:
    """Say by how much the row has become worse; nothing for less than a tenth."""
    value, commit = before.get(row.what, (0.0, ""))
    if value <= 0 or row.value <= 0:
        return ""
    share = value / row.value - 1 if row.at_least else row.value / value - 1
    return f"▲ {share:.0%} worse than at {commit}" if share > DEARER else ""
