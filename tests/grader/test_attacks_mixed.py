"""A class of ten honest and ten hostile students: the honest are graded as if they were alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from attack_class import ALL_ATTACKS, REPO, hand_in
from command_line import grader

pytestmark = pytest.mark.thorough

WHEATS = [
    REPO / "solutions" / "01",
    *sorted((REPO / "tests" / "submissions" / "wheat" / "01").iterdir())[:5],
]
CHAFFS = [
    REPO / "tests" / "submissions" / "chaff" / "01" / name
    for name in ("counts-characters", "reads-everything", "bad-line-raises", "never-loads-offset")
]
"""Wrong, but not hostile: what their reports say must be the same as well."""
HOSTILE = (
    *("exits-in-call", "floods-output", "forges-frames", "fork-bomb", "kills-all"),
    *("leaves-daemon", "memory-bomb", "patches-builtins", "plants-traps", "speaks-in-tongues"),
)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, and ten honest students of exercise 01."""
    root = tmp_path_factory.mktemp("class")
    for name in ("exercises", "solutions", "resources", "tests/hidden"):
        shutil.copytree(REPO / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    manifest = (REPO / "course.toml").read_text()
    (root / "course.toml").write_text(manifest.replace("seconds = 10 ", "seconds = 4 ", 1))
    for number, source in enumerate([*WHEATS, *CHAFFS]):
        target = root / "subs" / f"{'az'[number % 2]}-{source.name}" / "01"
        target.mkdir(parents=True)
        for file in source.glob("*.py"):
            shutil.copy(file, target)
    return root


def reports(root: Path) -> dict[str, dict[str, Any]]:
    """Every student's report, without how long things took and what went on in between."""
    done = grader(root, "grade", "subs", "--seed", "7", "--json", "all.json", timeout=600)
    assert done.returncode == 1, done.stderr
    document = json.loads((root / "all.json").read_text())
    assert not document["provisional"]
    for report in document["reports"]:
        del report["judge_cpu_seconds"], report["judge_memory_mb"]
        for check in report["checks"]:
            del check["seconds"], check["log"]
    return {report["student"]: report for report in document["reports"]}


def test_attacks_in_a_class_change_no_row_of_the_others(course: Path) -> None:
    """Ten and ten: a row for each, and the honest ones word for word as without the attacks."""
    alone = reports(course)
    assert len(alone) == len(WHEATS) + len(CHAFFS) == 10
    for name in HOSTILE:
        hand_in(course, f"m-{name}", ALL_ATTACKS[f"01-{name}"], {})
    together = reports(course)
    assert len(together) == 20
    assert {student: together[student] for student in alone} == alone
    assert sum(report["score"] == report["max_score"] for report in alone.values()) == len(WHEATS)
