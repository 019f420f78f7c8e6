"""A database that is locked and a disk that is full: one sentence, nothing half, and it goes on."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import grader
from nbgrader.api import Gradebook
from tiny_course import IN_PLACE, RIGHT, add_submission, write_tiny_course

from grader.gradebook.database import default_url

pytestmark = pytest.mark.thorough

GRADE = ("grade", "subs", "--out", "out")
PATIENCE = 600
"""Seconds; a new gradebook takes two on a quiet machine."""


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny course with two submissions, graded, the gradebook filled."""
    root = write_tiny_course(tmp_path_factory.mktemp("graded"))
    add_submission(root, "ann", RIGHT)
    add_submission(root, "bob", IN_PLACE)
    assert grader(root, *GRADE, timeout=PATIENCE).returncode == 1
    return root


@pytest.fixture
def course(graded: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(graded, tmp_path / "course")


def scores(root: Path) -> dict[str, float]:
    """What the gradebook says, by student; the database itself is sound."""
    with contextlib.closing(sqlite3.connect(root / "out" / "gradebook.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with Gradebook(default_url(root / "out")) as book:
        return {each["student"]: each["score"] for each in book.submission_dicts("01")}


def one_sentence(done: subprocess.CompletedProcess[str], reason: str) -> None:
    """Exit code 2, and the reason and the next step in one line."""
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert reason in line
    assert "grader gradebook" in line


def test_a_run_meets_a_locked_gradebook(course: Path) -> None:
    """The verdict is kept, the gradebook is as it was; the next run only writes."""
    (course / "subs/bob/01/doubling.py").write_text(RIGHT)
    with contextlib.closing(sqlite3.connect(course / "out/gradebook.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        one_sentence(grader(course, *GRADE), "database is locked")
    assert scores(course) == {"ann": 10, "bob": 8}
    done = grader(course, *GRADE)
    assert done.returncode == 0, done.stderr
    assert "0 graded, 2 as before" in done.stdout
    assert scores(course) == {"ann": 10, "bob": 10}


def test_filling_a_locked_gradebook(course: Path) -> None:
    """`grader gradebook` with new points, while another program writes and after it."""
    manifest = course / "course.toml"
    manifest.write_text(manifest.read_text().replace("points = 3", "points = 4"))
    url = default_url(course / "out") + "?timeout=0.1"
    with contextlib.closing(sqlite3.connect(course / "out/gradebook.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        one_sentence(grader(course, "gradebook", "out", "--db", url), "database is locked")
    assert scores(course) == {"ann": 10, "bob": 8}
    assert grader(course, "gradebook", "out", "--db", url).returncode == 0
    assert scores(course) == {"ann": 11, "bob": 9}


def on_a_small_disk(root: Path, prepare: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run `grader ARGS` after `prepare` where disk/ is a file system of 1 MB; disk/ is what is left."""
    script = f"mount -t tmpfs -o size=1m tmpfs disk && {prepare}"
    script += f" {sys.executable} -m grader {' '.join(args)}; code=$?; rm -f disk/filler;"
    script += " cp -r disk saved; exit $code"
    (root / "disk").mkdir()
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    (root / "disk").rmdir()
    (root / "saved").rename(root / "disk")
    return done


FULL = "cat /dev/zero 2>&- > disk/filler;"
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="mounts a small file system, which only root may"
)


@needs_root
def test_a_full_disk_leaves_the_old_gradebook(course: Path) -> None:
    """New verdicts find no room in it: it holds the old ones, whole, until there is."""
    (course / "subs/bob/01/doubling.py").write_text(RIGHT)
    grader(course, *GRADE, "--no-gradebook")
    done = on_a_small_disk(course, f"cp -r out/. disk; {FULL}", "gradebook", "disk")
    one_sentence(done, "disk")
    shutil.rmtree(course / "out")
    (course / "disk").rename(course / "out")
    assert scores(course) == {"ann": 10, "bob": 8}
    assert grader(course, "gradebook", "out").returncode == 0
    assert scores(course) == {"ann": 10, "bob": 10}


@needs_root
def test_a_full_disk_leaves_no_half_of_a_new_gradebook(course: Path) -> None:
    """Not even a table of it; the verdicts are whole, and with more room the same command goes on."""
    (course / "out/gradebook.db").unlink()
    few = "cp -r out/. disk; head -c 900K /dev/zero > disk/filler;"
    done = on_a_small_disk(course, few, "grade", "subs", "--out", "disk")
    one_sentence(done, "disk")
    left = {path.name for path in (course / "disk").iterdir()}
    assert left == {"reports", ".lock"}
    shutil.rmtree(course / "out")
    (course / "disk").rename(course / "out")
    done = grader(course, *GRADE, timeout=PATIENCE)
    assert "0 graded, 2 as before" in done.stdout
    assert scores(course) == {"ann": 10, "bob": 8}
