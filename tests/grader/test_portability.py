"""The student's path needs nothing that only Linux has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tiny_course import STUB, write_tiny_course

from grader.course import load_course
from grader.learn.reset import STUBS

REPO = Path(__file__).resolve().parents[2]

# What CPython lacks on Windows, and libraries that are installed on Linux alone.
ABSENT = ("fcntl", "resource", "pwd", "grp", "termios", "pty", "pyseccomp", "inotify_simple")
RUN = """
import os, shutil, sys
shutil._use_fd_functions = False
for name in {absent!r}:
    sys.modules[name] = None
for name in ("fork", "pidfd_open", "O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "setsid", "mkfifo"):
    if hasattr(os, name):
        delattr(os, name)
"""


def run(code: str, root: Path = REPO) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter that lacks all that."""
    return subprocess.run(
        [sys.executable, "-c", RUN.format(absent=ABSENT) + code],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("exercise", [each.id for each in load_course(REPO).exercises])
def test_public_tests_are_collected(exercise: str) -> None:
    """`pytest exercises/NN` imports the tests and the stubs."""
    arguments = ["exercises/" + exercise, "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = run(f"import pytest; raise SystemExit(pytest.main({arguments!r}))")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "::test_" in done.stdout


def test_the_command_line_says_what_it_needs() -> None:
    """`grader --help` works, and the hidden suite is refused in one line."""
    assert run("from grader.cli import main; main(['--help'])").returncode == 0
    done = run("import shutil; from grader.sandbox.choice import own_code; own_code()")
    assert "the hidden suite needs Linux or macOS. On Windows, use WSL2" in done.stderr


def test_a_submission_can_be_read() -> None:
    """Reading the learner's own files uses what every system has."""
    done = run(
        "from pathlib import Path; from grader.course import load_course\n"
        "from grader.submission import read_submission\n"
        "course = load_course(Path('.'))\n"
        "found = read_submission('you', course.exercise('1'), [Path('exercises/01')], 256)\n"
        "print(list(found.files))"
    )
    assert "['polling.py']" in done.stdout, done.stderr


COMMANDS = {
    "hint": (["hint", "01"], 0, "Twice as much."),
    "status": (["status"], 0, "Next: "),
    "reset": (["reset", "01"], 0, "the files are the stubs"),
    "replay": (["replay", "01", "value"], 2, "grader check"),
    "watch": (["watch", "01"], 2, "`grader watch` needs Linux or macOS. On Windows, use WSL 2."),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_learners_command_runs(tmp_path: Path, name: str) -> None:
    """In words, without a traceback; what needs Unix says so."""
    root = write_tiny_course(tmp_path)
    (root / STUBS / "01").mkdir(parents=True)
    (root / STUBS / "01" / "doubling.txt").write_text(STUB)
    arguments, code, said = COMMANDS[name]
    done = run(f"from grader.cli import main; main({arguments!r})", root)
    assert done.returncode == code, done.stderr
    assert said in (done.stderr if code else done.stdout)
    assert "Traceback" not in done.stderr


def test_doctor_looks_at_what_is_there() -> None:
    """Nothing can be walled in, and that is a finding."""
    done = run("from grader.cli import main; main(['doctor'])")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "Python" in done.stdout
    assert "walls: none" in done.stdout


def test_public_tests_end_with_their_summary(tmp_path: Path) -> None:
    """The plugin of exercises/conftest.py, and what it keeps."""
    root = write_tiny_course(tmp_path)
    arguments = ["exercises/01", "-q", "-p", "no:cacheprovider"]
    done = run(f"import pytest; raise SystemExit(pytest.main({arguments!r}))", root)
    assert done.returncode == 1, done.stderr
    assert "Next: 01.value. For a hint: grader hint 01 value" in done.stdout
    assert (root / ".grader" / "01.public.json").is_file()
