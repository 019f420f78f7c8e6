"""The benchmark names what has become dearer since it was last run on such a machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.cpu import run_measured
from benchmarks.kept import KeptRun, dearer, keep, last_values
from benchmarks.rows import Row


def _run(machine: str, **values: float) -> KeptRun:
    return KeptRun(commit="abc", machine=machine, when="2026-01-01T00:00:00+00:00", values=values)


def test_the_last_value_of_such_a_machine_counts(tmp_path: Path) -> None:
    """Runs elsewhere say nothing of this one, nor does a line that was never finished."""
    path = tmp_path / "out" / "bench.jsonl"
    assert last_values(path, "here") == {}
    for run in (_run("here", a=1, b=2), _run("there", a=9), _run("here", a=3)):
        keep(path, run)
    with path.open("a") as file:
        file.write('{"commit": "broken o')
    assert last_values(path, "here") == {"a": (3, "abc"), "b": (2, "abc")}


@pytest.mark.parametrize(
    ("value", "at_least", "said"),
    [
        (1.05, False, ""),
        (1.25, False, "▲ 25% worse than at abc"),
        (0.5, False, ""),
        (0.5, True, "▲ 100% worse than at abc"),
        (2.0, True, ""),
    ],
)
def test_a_tenth_more_is_named(*, value: float, at_least: bool, said: str) -> None:
    """More seconds are worse, more submissions a second are better."""
    row = Row("a", value, "s", at_least=at_least)
    assert dearer(row, {"a": (1.0, "abc")}) == said
    assert dearer(row, {}) == ""


def test_a_commands_children_count(tmp_path: Path) -> None:
    """A child that burns a third of a second is seen, whoever waited for it."""
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    spent = run_measured([sys.executable, "-c", child], tmp_path)
    assert spent.cpu >= 0.3
    assert spent.wall > 0
