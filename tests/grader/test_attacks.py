"""Hostile submissions, in one class with honest ones: what each tried did not work.

An attack is contained when its verdict is that of its honest behaviour, nothing outside the
sandbox changed, and every honest submission is graded as ever. An attack prints TRIED when it has
run, and LEAK where it got what it was after; what it printed is in its report.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from attack_class import (
    ALL_ATTACKS,
    ATTACKS,
    CANARY,
    EXERCISES,
    HONEST,
    NAMES,
    Outcome,
    as_ordinary_user,
    grade,
    listening,
    prepare,
    read,
    without_bubblewrap,
)
from attack_machine import changed

from grader.services.docker_engine import engine_answers

pytestmark = pytest.mark.thorough
SILENT = {"01-hands-in-link", "01-hands-in-device", "01-floods-output", "01-floods-from-child"}
"""They hand in no code, or print so much that the start of it is gone."""
USERS = ["root", "ordinary-user"] if os.geteuid() == 0 else ["ordinary-user"]
DOCKER = pytest.param("docker", marks=pytest.mark.docker)


@pytest.fixture(scope="module", params=[*USERS, DOCKER])
def outcome(request: pytest.FixtureRequest) -> Outcome:
    """The graded class, as root and as an ordinary user, and in containers."""
    if request.param == "docker" and not engine_answers():
        pytest.skip("no Docker engine answers")
    # pytest's own folders are closed to other users.
    with tempfile.TemporaryDirectory() as folder, listening() as servers:
        root = Path(folder)
        root.chmod(0o755)
        tcp, unix = servers
        prepare(root, tcp.getsockname()[1], unix.getsockname()[1:].decode())
        (root / "out").mkdir()
        if request.param == "docker":
            found = grade(root, [], servers, **without_bubblewrap(root))
            assert {report["sandbox"] for report in found.reports.values()} == {"docker"}
            return found
        ordinary = request.param == "ordinary-user" and os.geteuid() == 0
        return grade(root, as_ordinary_user(root) if ordinary else [], servers)


def report_of(outcome: Outcome, name: str) -> dict[str, Any]:
    """The report of an attack."""
    exercise, _, _ = name.partition("-")
    return outcome.reports[f"{name} {exercise}"]


def test_there_are_enough_attacks() -> None:
    """A corpus that shrinks by accident is noticed."""
    assert len(ALL_ATTACKS) >= 170


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_got_nothing(outcome: Outcome, name: str) -> None:
    """It ran, it leaked nothing, and its verdict is that of what its code honestly does."""
    report = report_of(outcome, name)
    text = json.dumps(report)
    if name not in SILENT:
        assert "TRIED" in report["output"], "the attack did not run"
    assert "LEAK" not in text
    assert CANARY not in text
    found = {check["outcome"] for check in report["checks"]}
    wanted = read(ATTACKS[name])["fails"]
    assert found <= {"passed", "failed", "skipped"}
    if wanted == "none":
        assert found == {"passed"}
        assert report["score"] == report["max_score"]
    elif wanted == "all":
        assert "passed" not in found
        assert report["score"] == 0
    elif isinstance(wanted, list):
        failed = {check["id"] for check in report["checks"] if check["outcome"] == "failed"}
        assert failed == set(wanted)
    else:
        assert wanted == "any"


@pytest.mark.parametrize("exercise", EXERCISES)
@pytest.mark.parametrize("student", HONEST)
def test_honest_submissions_among_attacks_keep_full_marks(
    outcome: Outcome, student: str, exercise: str
) -> None:
    """Before, between and after the attacks."""
    report = outcome.reports[f"{student} {exercise}"]
    failed = [c for c in report["checks"] if c["outcome"] != "passed"]
    assert not failed
    assert not report["provisional"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_hostile_name_is_a_name(outcome: Outcome, name: str) -> None:
    """Whoever is called like that has a row, and full marks for honest code."""
    student = os.fsencode(name).decode("utf-8", "backslashreplace")
    assert outcome.reports[f"{student} 01"]["score"] == 100


def test_no_row_of_a_class_with_attacks_is_lost(outcome: Outcome) -> None:
    """A report for each submission, and the run ends with `something failed`, not with an error."""
    assert len(outcome.reports) >= len(ATTACKS) + len(EXERCISES) * len(HONEST)
    undecided = [
        f"{name}: {check['id']} {check['message']}"
        for name, report in outcome.reports.items()
        for check in report["checks"]
        if check["outcome"] not in ("passed", "failed", "skipped")
    ]
    assert not undecided
    found = {check["outcome"] for r in outcome.reports.values() for check in r["checks"]}
    assert outcome.exit_code == int("failed" in found)


def test_attacks_changed_nothing_outside(outcome: Outcome) -> None:
    """No process, mount, setting, file or connection of theirs is left."""
    assert not changed(outcome.before, outcome.after)
    assert not outcome.connections


def test_attacks_steer_no_terminal(outcome: Outcome) -> None:
    """What they printed and named is shown, not obeyed."""
    assert not [c for c in outcome.said if not c.isprintable() and c != "\n"]
    assert "\x1b" not in outcome.raw
    assert CANARY not in outcome.said
