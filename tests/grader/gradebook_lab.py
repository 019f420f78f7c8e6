"""A gradebook that is filled: reports without a run, the scores in it, a PostgreSQL of its own."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from nbgrader.api import Gradebook
from tiny_course import MANIFEST

from grader.course import Course, load_course
from grader.host.ports import free_ports
from grader.report import CheckResult, Outcome, Report, is_provisional

DUE = datetime(2026, 11, 30, 12, tzinfo=UTC)
DATED = MANIFEST.replace(
    "[limits]", "[late]\npercent_per_day = 10\n\n[limits]"
).replace('["doubling.py"]\n', f'["doubling.py"]\ndue = {DUE.isoformat()}\n')  # fmt: skip


def make_course(folder: Path, text: str = MANIFEST) -> Course:
    """The course of that text."""
    (folder / "course.toml").write_text(text)
    return load_course(folder)


def graded(
    course: Course, student: str, outcomes: str = "ppp", submitted: datetime | None = None
) -> Report:
    """A report: p passed, f failed, e error, for each check."""
    kinds = {"p": Outcome.PASSED, "f": Outcome.FAILED, "e": Outcome.ERROR}
    exercise = course.exercise("01")
    checks = tuple(
        CheckResult.of(check, kinds[letter], "" if letter == "p" else "was <seen>")
        for check, letter in zip(exercise.checks, outcomes, strict=True)
    )
    return Report(
        student=student,
        exercise="01",
        score=sum(check.score for check in checks),
        max_score=exercise.max_score,
        provisional=is_provisional(checks),
        sandbox="bubblewrap",
        seed=1,
        submission_hash="a",
        suite_hash="b",
        submitted=submitted,
        checks=checks,
    )


def private_postgresql(programs: Path, folder: Path) -> Iterator[str]:
    """A server of this test's own on the loopback; it refuses root, so root becomes nobody."""
    become = []
    data = folder / "postgresql"
    data.mkdir()
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        folder.chmod(0o755)
        os.chown(data, nobody.pw_uid, nobody.pw_gid)
        become = [
            "setpriv",
            f"--reuid={nobody.pw_uid}",
            f"--regid={nobody.pw_gid}",
            "--clear-groups",
        ]
    (port,) = free_ports(0)
    log = data / "log"
    initdb = [*become, str(programs / "initdb"), "-D", str(data / "db"), "-A", "trust", "-U", "me"]
    subprocess.run(initdb, check=True, capture_output=True, cwd=data)
    options = f"-h 127.0.0.1 -p {port} -k {data}"
    control = [*become, str(programs / "pg_ctl"), "-D", str(data / "db"), "-l", str(log), "-w"]
    subprocess.run(
        [*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd=data
    )
    try:
        yield f"postgresql://me@127.0.0.1:{port}"
    finally:
        subprocess.run(
            [*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, cwd=data
        )


def scores(url: str) -> dict[str, float]:
    """By student: the score, with what a person entered."""
    with Gradebook(url) as book:
        return {each["student"]: each["score"] for each in book.submission_dicts("01")}
