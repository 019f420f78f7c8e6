"""Where files are closed to others, or room is short, a run is right or does not begin."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import grader
from tiny_course import RIGHT, add_submission, write_tiny_course

from grader.errors import GraderError
from grader.host import room
from grader.sandbox import python

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A tiny course with a right submission."""
    root = write_tiny_course(tmp_path)
    add_submission(root, "ann", RIGHT)
    return root


@pytest.fixture
def closed_umask() -> Iterator[None]:
    """What is written from now on is its owner's alone."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's sandboxes have a user of their own")
@pytest.mark.usefixtures("closed_umask")
def test_a_checkout_of_umask_077_grades_right(tmp_path: Path) -> None:
    """The worker's code and the stream's files reach student code, which has another uid."""
    copy = tmp_path / "checkout"
    shutil.copytree(REPO / "grader", copy / "grader", copy_function=shutil.copyfile)
    root = write_tiny_course(tmp_path)
    add_submission(root, "ann", RIGHT)
    assert python.first_unreadable(copy / "grader" / "worker") is not None
    done = grader(root, "grade", "subs", env={"PYTHONPATH": str(copy)})
    assert done.returncode == 0, done.stdout + done.stderr
    polling = tmp_path / "class" / "bob" / "01"
    polling.mkdir(parents=True)
    shutil.copy(REPO / "solutions" / "01" / "polling.py", polling)
    done = grader(REPO, "grade", str(tmp_path / "class"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_packages_that_are_closed_to_others_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import that fails inside would look like the student's mistake."""
    packages = tmp_path / "site-packages"
    (packages / "pika").mkdir(parents=True)
    closed = packages / "pika" / "__init__.py"
    closed.touch()
    monkeypatch.setattr(python, "site_packages", lambda: [str(packages)])
    python.require_readable_packages()
    closed.chmod(0o600)
    with pytest.raises(GraderError) as raised:
        python.require_readable_packages()
    assert str(closed) in str(raised.value)
    assert f"chmod -R go+rX {packages}" in raised.value.help


def test_a_full_temporary_folder_ends_before_the_run(course: Path) -> None:
    """A small one made checks undecided in the middle of it."""
    small = course / "small"
    small.mkdir()
    script = 'mount -t tmpfs -o size=1m,mode=1777 none "$0" && TMPDIR="$0" exec "$@"'
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no namespaces here")
    words = [sys.executable, "-m", "grader", "grade", "subs", "--out", "out/results"]
    done = subprocess.run(
        [*inside, script, str(small), *words],
        cwd=course,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert f"{small} has 1 MB free, and grading needs 64" in done.stderr
    assert "TMPDIR=" in done.stderr


@pytest.mark.parametrize("words", [["grade", "subs"], ["check", "01"]], ids=lambda w: w[0])
def test_too_few_descriptors_end_before_the_run(course: Path, words: list[str]) -> None:
    """RabbitMQ did not start with so few, which cost its checks."""
    done = subprocess.run(
        [sys.executable, "-m", "grader", *words],
        cwd=course,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
    )
    assert done.returncode == 2
    assert "a process may open 64 files here, and grading needs 256" in done.stderr
    assert "ulimit -n 256" in done.stderr


def test_no_limit_is_room_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RLIM_INFINITY is a negative number in some systems, and the largest in others."""
    limit = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, limit))
    room.require_room(str(tmp_path))
