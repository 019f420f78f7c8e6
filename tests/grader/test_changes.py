"""The process that tells `grader watch` of saves."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.learn.changes import POLLING


@pytest.fixture(params=["events", "polling"])
def said(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    """What it prints about tmp_path; by events of the system, and by polling."""
    (tmp_path / "a.py").write_text("1\n")
    os.utime(tmp_path / "a.py", ns=(10**18, 10**18))
    process = subprocess.Popen(
        [sys.executable, "-m", "grader.learn.changes", str(tmp_path)],
        stdout=subprocess.PIPE,
        env=os.environ | ({"WATCHFILES_FORCE_POLLING": "1"} if request.param == "polling" else {}),
    )
    assert process.stdout is not None
    yield process.stdout.fileno()
    process.kill()
    process.communicate()


def comes(descriptor: int, seconds: float) -> bool:
    """Whether a line comes within that time."""
    return bool(select.select([descriptor], [], [], seconds)[0]) and bool(os.read(descriptor, 4096))


def test_every_save_after_the_first_line_is_told(said: int, tmp_path: Path) -> None:
    """At once, when the watch may not have begun; and twice within one second of the clock."""
    assert comes(said, 30)
    for number in range(1, 4):
        (tmp_path / "a.py").write_text(f"{number}\n")
        os.utime(tmp_path / "a.py", ns=(10**18 + number, 10**18 + number))
        assert comes(said, 30), f"save {number}"
        while comes(said, 0.3):
            pass  # one save may be told of twice


@pytest.mark.parametrize("limit", ["max_inotify_instances", "max_inotify_watches"])
def test_where_the_system_has_no_events_left_it_polls(limit: str, tmp_path: Path) -> None:
    """The limit of inotify is reached: a line says so, and saves are told of all the same."""
    inside = f'echo 0 > /proc/sys/user/{limit} && exec "$0" -m grader.learn.changes "$1"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", inside, sys.executable]
    (tmp_path / "a.py").write_text("1\n")
    with subprocess.Popen([*command, str(tmp_path)], stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        try:
            if not (first := process.stdout.readline()):
                pytest.skip("no user namespaces here")
            assert first == b"changed\n"
            assert process.stdout.readline() == POLLING
            (tmp_path / "a.py").write_text("22\n")
            assert comes(process.stdout.fileno(), 30)
        finally:
            process.kill()


def test_other_files_are_not_told(said: int, tmp_path: Path) -> None:
    """An editor's, or what the student's program writes."""
    assert comes(said, 30)
    (tmp_path / "trips.ndjson").write_text("{}\n")
    assert not comes(said, 2)
