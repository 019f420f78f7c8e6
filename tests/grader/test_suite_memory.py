"""Memory that ran out: by whose limit, whose failure it is, and what is graded again."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab import verdicts

from grader.course import load_course
from grader.grading import repeat
from grader.grading.repeat import wait_for_memory
from grader.report import Outcome
from grader.sandbox import cgroup
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.cgroup import Cgroup, Kills, group_of, machine_kills

REPO = Path(__file__).resolve().parents[2]
CHECK = "01.reads-appended"
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a control group here")
TOP = Path("/sys/fs/cgroup/memory")
NEEDS_V1 = pytest.mark.skipif(not TOP.exists(), reason="the group of this test is of version 1")
GREEDY = """

_hoard = b"x" * ({megabytes} << 20)
"""
IN_CHILDREN = """

import os, signal

def read_new_events(path, offset):
    for _ in range(4):
        if os.fork() == 0:
            hoard = b"x" * (400 << 20)
            signal.pause()
    signal.pause()
"""
V1 = {"memory.oom_control": "oom_kill 1\n", "memory.limit_in_bytes": "9000000\n"}


def solution(more: str) -> dict[str, bytes]:
    """The solution of 01, and code after it."""
    return {"polling.py": ((REPO / "solutions/01/polling.py").read_text() + more).encode()}


# What the kernel tells -------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"memory.events": "low 0\noom 0\noom_kill 2\n"}, Kills(2)),
        ({"memory.events": "low 0\noom 3\noom_kill 2\n"}, Kills(2, own_limit=True)),
        (V1 | {"memory.max_usage_in_bytes": "5000000\n"}, Kills(1)),
        (V1 | {"memory.max_usage_in_bytes": "8999000\n"}, Kills(1, own_limit=True)),
        ({"pids.max": "9\n"}, None),
    ],
)
def test_a_group_tells_its_own_limit_from_the_machines(
    tmp_path: Path, files: dict[str, str], wanted: Kills | None
) -> None:
    """Both versions; a group without a limit for memory tells nothing."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert Cgroup([tmp_path]).kills() == wanted


def test_the_machines_kills_are_counted(tmp_path: Path) -> None:
    """Where /proc tells them; elsewhere none."""
    assert machine_kills(tmp_path) == Kills(0)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "vmstat").write_text("pgfault 3\noom_kill 4\n")
    assert machine_kills(tmp_path) == Kills(4)


@pytest.mark.parametrize(
    ("after", "concerned"),
    [
        ({"vmstat": "oom_kill 5\nallocstall_dma 0\nallocstall_normal 7\n"}, False),
        ({"vmstat": "oom_kill 5\nallocstall_dma 1\nallocstall_normal 7\n"}, True),
        ({"vmstat": "oom_kill 4\nallocstall_dma 1\nallocstall_normal 7\n"}, False),
        ({"vmstat": "oom_kill 5\n"}, True),
        ({"v1": "oom_kill 1\n"}, True),
        ({"v2": "oom 1\noom_kill 1\n"}, True),
    ],
)
def test_a_kill_by_a_neighbours_limit_is_the_neighbours(
    tmp_path: Path, after: dict[str, str], *, concerned: bool
) -> None:
    """The machine's count has it, without a wait for memory; a container's own limit is ours."""
    group = "sys/fs/cgroup/memory/docker/a"
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / group).mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("5:pids:/docker/a\n4:memory:/docker/a\n0::/\n")
    files = {
        "vmstat": tmp_path / "proc/vmstat",
        "v1": tmp_path / group / "memory.oom_control",
        "v2": tmp_path / "sys/fs/cgroup/memory.events.local",
    }
    files["vmstat"].write_text("oom_kill 4\nallocstall_dma 0\nallocstall_normal 7\n")
    before = machine_kills(tmp_path)
    for name, text in after.items():
        files[name].write_text(text)
    if "vmstat" not in after:
        files["vmstat"].write_text("oom_kill 5\nallocstall_dma 0\nallocstall_normal 7\n")
    assert machine_kills(tmp_path).more_than(before) is concerned


@NEEDS_ROOT
@NEEDS_V1
def test_a_real_neighbour_that_meets_its_limit_disturbs_nobody() -> None:
    """Killed by the kernel, in a group of its own: the machine's count goes up, and no more."""
    before = machine_kills()
    neighbour = Cgroup.make(f"{os.getpid()}-{secrets.token_hex(4)}", 20 << 20, 10)
    assert neighbour is not None
    greedy = "x = bytearray(100 << 20); print('lived')"
    done = subprocess.run(
        ["sh", "-c", f'{neighbour.entry}exec "$0" -c "{greedy}"', sys.executable],
        capture_output=True,
        check=False,
    )
    neighbour.remove()
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")
    assert machine_kills().count > before.count
    assert not machine_kills().more_than(before)


def test_a_containers_group_is_found(tmp_path: Path) -> None:
    """By what /proc says of its process; the topmost group is nobody's own."""
    (tmp_path / "proc" / "7").mkdir(parents=True)
    told = tmp_path / "proc" / "7" / "cgroup"
    folder = tmp_path / "sys/fs/cgroup/memory/docker/a"
    folder.mkdir(parents=True)
    (folder / "memory.oom_control").write_text("oom_kill 5\n")
    (folder / "memory.limit_in_bytes").write_text("9000000\n")
    told.write_text("5:pids:/docker/a\n4:memory:/docker/a\n")
    found = group_of(7, tmp_path)
    assert found is not None
    assert found.kills() == Kills(5)
    told.write_text("4:memory:/\n0::/\n")
    assert group_of(7, tmp_path) is None
    assert group_of(8, tmp_path) is None


# What a submission gets -------------------------------------------------------------


@NEEDS_ROOT
def test_ones_own_limit_is_ones_own_failure() -> None:
    """Children, each below the limit of one process; the sentence names the limit."""
    row = verdicts("01", solution(IN_CHILDREN), BubblewrapSandbox, {CHECK})[CHECK]
    limit = load_course(REPO).limits.memory_mb
    assert row.outcome is Outcome.FAILED, row.message
    assert row.message.startswith(f"the program used more than {limit} MB of memory")


@pytest.fixture
def small_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """The groups of sandboxes lie in one of 150 MB: as on a machine with so little left.

    The function changes how much it is.
    """
    home = TOP / f"grader-test-{secrets.token_hex(4)}"
    home.mkdir()

    def has(megabytes: int) -> None:
        (home / "memory.limit_in_bytes").write_text(str(megabytes << 20))

    (home / "memory.use_hierarchy").write_text("1")
    has(150)
    monkeypatch.setattr(cgroup, "_homes", lambda _: [("v1", ["memory"], home)])
    yield has
    for folder in home.glob("grader-*"):
        Cgroup([folder]).remove()
    home.rmdir()


@NEEDS_ROOT
@NEEDS_V1
def test_where_the_machine_runs_out_nobody_fails(
    small_machine: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The submission may use so much, and the machine has less: it is an error of ours."""
    assert small_machine
    monkeypatch.setattr(repeat, "wait_for_memory", lambda _: None)
    row = verdicts("01", solution(GREEDY.format(megabytes=300)), BubblewrapSandbox, {CHECK})[CHECK]
    assert row.outcome is Outcome.ERROR, row.message
    assert row.message.startswith("the machine ran out of memory")


@NEEDS_ROOT
@NEEDS_V1
def test_what_ran_out_of_memory_is_graded_again_when_there_is_room(
    small_machine: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for what the limits allow, and a bit, and the second verdict counts."""
    waited: list[int] = []

    def room(megabytes: int) -> None:
        waited.append(megabytes)
        small_machine(2000)

    monkeypatch.setattr(repeat, "wait_for_memory", room)
    row = verdicts("01", solution(GREEDY.format(megabytes=300)), BubblewrapSandbox, {CHECK})[CHECK]
    assert row.outcome is Outcome.PASSED, row.message


def test_it_waits_for_memory_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until /proc says that so much is free; where it never does, for a while."""
    monkeypatch.setattr(repeat, "ROOM_SECONDS", 60)
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9 kB\nMemAvailable: 2048 kB\n")
    begin = time.monotonic()
    wait_for_memory(2, meminfo)
    wait_for_memory(2, tmp_path / "missing")
    assert time.monotonic() - begin < 30
    monkeypatch.setattr(repeat, "ROOM_SECONDS", 0.01)
    wait_for_memory(3, meminfo)
