"""Where nothing can be written, nobody is at home, or a folder has an odd name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import grader
from tiny_course import IN_PLACE, RIGHT, add_submission, write_tiny_course

from grader.services.rabbitmq import private

REPO = Path(__file__).resolve().parents[2]
READ_ONLY = (
    'mount --bind . . && cd "$PWD" && mount -o remount,ro,bind . && exec "$0" -m grader "$@"'
)
WITHOUT_A_HOME = """\
import os, sys
from pathlib import Path

def nobody():
    raise RuntimeError("Could not determine home directory.")

Path.home = nobody
Path.expanduser = lambda self: nobody()
from grader.cli import main
main(prog_name="grader")
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A tiny course; the learner's own work fails one check."""
    root = write_tiny_course(tmp_path)
    (root / "exercises" / "01" / "doubling.py").write_text(IN_PLACE)
    add_submission(root, "ann", RIGHT)
    return root


def in_read_only(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of `grader` in a course on a read-only file system."""
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", READ_ONLY]
    if subprocess.run([*inside[:4], "true"], capture_output=True, check=False).returncode:
        pytest.skip("no namespaces here")
    return subprocess.run(
        [*inside, sys.executable, *words],
        cwd=root,
        env=os.environ | {"COLUMNS": "200", "PYTHONPATH": str(REPO)},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def test_a_check_is_shown_where_it_cannot_be_kept(course: Path) -> None:
    """The work is done: what was found is said, and that it is not kept."""
    done = in_read_only(course, "check", "01")
    assert done.returncode == 1, done.stderr
    assert "after a kill the file should hold old or new" in done.stdout
    assert "Not kept for `grader status` and `grader replay`" in done.stdout
    assert "Read-only file system" in done.stdout


def test_a_hint_is_given_where_it_cannot_be_counted(course: Path) -> None:
    """The first step, each time."""
    done = in_read_only(course, "hint", "01")
    assert done.returncode == 0, done.stderr
    assert "Twice as much." in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("gradescope", "autograder.zip"),
        ("export", "subs", "plagiarism", "--format", "jplag"),
        ("release", "students"),
        ("notebooks", "nb"),
        ("intake", "subs", "sorted"),
        ("grade", "subs", "--json", "reports.json"),
        ("grade", "subs", "--out", "out"),
        ("reset", "01"),
        ("report", "out"),
    ],
)
def test_what_cannot_be_written_is_one_line(course: Path, words: tuple[str, ...]) -> None:
    """Exit code 2, and nothing of what was begun."""
    (course / "resources" / "stubs" / "01").mkdir(parents=True)
    (course / "resources" / "stubs" / "01" / "doubling.txt").write_text(RIGHT)
    before = sorted(course.rglob("*"))
    done = in_read_only(course, *words)
    assert done.returncode == 2, done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("grader: ")
    assert sorted(course.rglob("*")) == before


def test_without_a_home_the_gradebook_says_so(course: Path) -> None:
    """Jupyter, below nbgrader, asks for one; a grade does not."""
    assert grader(course, "grade", "subs", "--out", "out", "--no-gradebook").returncode == 0
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_HOME, "gradebook", "out"],
        cwd=course,
        env=os.environ | {"PYTHONPATH": str(REPO)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "grader: nbgrader cannot be used: Could not determine home directory. Set HOME to a folder.\n"
    )


def test_a_node_lies_where_erlang_can_read_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RabbitMQ 3.10 ends while it starts below a folder with an accent."""
    for name, home in (("plain", str(tmp_path)), ("é✓", os.sep + "tmp")):
        monkeypatch.setattr(
            "tempfile.tempdir", str(tmp_path) if name == "plain" else str(tmp_path / name)
        )
        assert private.home_of_nodes() == home
