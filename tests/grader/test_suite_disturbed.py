"""What the machine or a service lacked is nobody's failure: undecided, and graded again."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import verdicts

from grader.course import Limits, load_course
from grader.grading import repeat
from grader.grading.repeat import wait_for_memory
from grader.host.usage import cpu_seconds_below, seconds_in_queue
from grader.report import Outcome
from grader.sandbox import cgroup
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.cgroup import Cgroup, Kills, group_of, machine_kills
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.setup import Setup
from grader.services.base import Service
from grader.suite import Failed
from grader.suite.consumer import Consumer
from grader.suite.crowded import Crowd
from grader.suite.judgement import blame
from grader.suite.outcomes import Hangs, OutOfTime
from grader.suite.session import Session

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


def solution(more: str) -> dict[str, bytes]:
    """The solution of 01, and code after it."""
    return {"polling.py": ((REPO / "solutions/01/polling.py").read_text() + more).encode()}


V1 = {"memory.oom_control": "oom_kill 1\n", "memory.limit_in_bytes": "9000000\n"}

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


# Memory ----------------------------------------------------------------------------


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


# Services --------------------------------------------------------------------------


class Unwell(Service):
    """A service that does not serve for a while."""

    def __init__(self, times: int) -> None:
        self.times = times

    def serves(self) -> bool:
        """Not the first times."""
        self.times -= 1
        return self.times < 0

    def attach(self, listener: Any, port: int) -> None:
        """Take no connection."""
        listener.close()

    def check(self) -> None:
        """It is well by now."""

    def close(self) -> None:
        """Nothing to give back."""


@pytest.fixture
def session() -> Iterator[Callable[[int], Session]]:
    """`session(times)`: one whose service does not serve so many times; a step may take 1 s."""
    made: list[Session] = []

    def make(times: int) -> Session:
        code = b"import time\n\ndef pause(seconds):\n    time.sleep(seconds)\n"
        setup = Setup(files={"sample.py": code}, ports=[4566], limits=Limits(seconds=1))
        exercise = load_course(REPO).exercise("04")
        made.append(
            Session(exercise, lambda: ProcessSandbox(setup), {"sqs": lambda: Unwell(times)}, {})
        )
        made[0].service("sqs")
        return made[0]

    yield make
    for each in made:
        each.close()


def test_time_lost_to_a_service_is_nobodys_wait(session: Callable[[int], Session]) -> None:
    """It does not serve for two seconds of a step that may take one; then the step goes on."""
    lab = session(2)
    consumer = Consumer(lab)
    lab.begin()
    consumer.process().call("sample.pause", 2.2)
    assert lab.lost >= 2
    assert lab.disturbance().startswith("sqs did not serve for")
    lab.begin()
    assert not lab.disturbance()
    consumer.close()


def test_who_is_cut_off_is_not_waited_for(
    session: Callable[[int], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that serves a submission no more tells so long before the step's time is over."""
    lab = session(0)
    monkeypatch.setattr(Unwell, "exceeded", property(lambda _: True))
    consumer = Consumer(lab)
    consumer.seconds = 60
    begin = time.monotonic()
    with pytest.raises(Failed, match="sent more to sqs than any exercise needs, and was cut off"):
        consumer.process().call("sample.pause", 30)
    assert time.monotonic() - begin < 20
    consumer.close()


def test_time_in_which_a_service_begins_is_given_back(
    session: Callable[[int], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline of all checks moves while a broker starts, and stays where it moved."""
    lab = session(0)
    before = lab.lost
    seen: list[float] = []

    def slow() -> Unwell:
        time.sleep(0.2)
        seen.append(lab.lost)
        return Unwell(0)

    monkeypatch.setattr("grader.suite.session._BETWEEN", 0.1)
    lab._factories = {"redis": slow}  # type: ignore[dict-item]  # noqa: SLF001 - what a run has made
    lab._ports = {"redis": 4566}  # noqa: SLF001 - as course.toml would say
    lab.service("redis")
    assert seen[0] >= before + 0.2
    assert lab.lost >= before + 0.2
    lab._services["redis"].lost = 3.0  # noqa: SLF001 - as its suite would
    after = lab.lost
    assert after >= before + 3.2
    lab._end()  # noqa: SLF001 - as where the sandbox died
    assert lab.lost == after, "a sandbox that is started again takes nothing of it back"


def test_a_service_that_was_unwell_for_long_says_nothing_of_the_time_of_all_checks(
    session: Callable[[int], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a test before; a second of it changes nothing."""
    monkeypatch.setattr("grader.suite.session._LITTLE", 1)
    lab = session(3)
    consumer = Consumer(lab)
    lab.begin()
    consumer.process().call("sample.pause", 2.2)
    consumer.close()
    lab.begin()
    assert lab.lost_in_all().startswith("sqs did not serve for")
    monkeypatch.setattr("grader.suite.session._LITTLE", 100)
    assert not lab.lost_in_all()


def test_a_service_is_not_waited_for_without_end(
    session: Callable[[int], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some time it counts as serving: the step's own limit ends the wait."""
    monkeypatch.setattr("grader.suite.session._MOST_LOST", 2)
    consumer = Consumer(session(10**9))
    with pytest.raises(Failed, match="for 1 s it did not"):
        consumer.process().call("sample.pause", 1000)
    consumer.close()


# A busy machine --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("elapsed", "queued", "own", "load", "excused"),
    [
        (180, 40, 5, 20.0, True),
        (180, 30, 5, 20.0, False),
        (180, 40, 60, 20.0, False),
        (180, 40, 5, 15.0, False),
        (0, 0, 0, 20.0, False),
    ],
)
def test_who_had_no_processor_is_excused(
    monkeypatch: pytest.MonkeyPatch,
    elapsed: float,
    queued: float,
    own: float,
    load: float,
    *,
    excused: bool,
) -> None:
    """Where the test itself had to wait for one, the submission used little, and many wanted one."""
    monkeypatch.setattr("grader.suite.crowded.seconds_in_queue", lambda: 3.0)
    monkeypatch.setattr("grader.suite.crowded.cpu_seconds_below", lambda: 2.0)
    monkeypatch.setattr("grader.suite.crowded.time.monotonic", lambda: 100.0)
    monkeypatch.setattr("grader.suite.crowded.os.cpu_count", lambda: 2)
    monkeypatch.setattr("grader.suite.crowded.os.getloadavg", lambda: (90.0, load, 0.0))
    crowd = Crowd()
    monkeypatch.setattr("grader.suite.crowded.seconds_in_queue", lambda: 3.0 + queued)
    monkeypatch.setattr("grader.suite.crowded.cpu_seconds_below", lambda: 2.0 + own)
    monkeypatch.setattr("grader.suite.crowded.time.monotonic", lambda: 100.0 + elapsed)
    said = crowd.excuse()
    if excused:
        assert said.startswith("the machine was busy with other work: for 40 of 180 s")
        assert said.endswith("grade it again when there is less to do")
    else:
        assert not said


def test_the_time_of_all_checks_is_no_failure_on_a_busy_machine(
    session: Callable[[int], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Undecided, with what the test had said; the wait for one step is judged as ever."""
    lab = session(0)
    monkeypatch.setattr(Crowd, "excuse", lambda _: "the machine was busy")
    said = "all checks together took longer than 180 s"
    late, hung = OutOfTime(said), Hangs("polls() did nothing for 10 s")
    assert blame(lab, late, late.kind).outcome is Outcome.ERROR
    assert (
        blame(lab, late, late.kind).message == f"the machine was busy (the test had said: {said})"
    )
    assert blame(lab, hung, hung.kind).outcome is Outcome.FAILED


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux counts the wait")
def test_a_wait_for_a_processor_is_counted() -> None:
    """Two on one processor: each waits while the other runs, and its time is seen from above."""
    allowed = os.sched_getaffinity(0)
    before, used = seconds_in_queue(), cpu_seconds_below()
    os.sched_setaffinity(0, {min(allowed)})
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if seconds_in_queue() >= before + 0.2 and cpu_seconds_below() > used:
                break
        assert seconds_in_queue() >= before + 0.2
        assert cpu_seconds_below() > used
    finally:
        os.sched_setaffinity(0, allowed)
        other.kill()
        other.wait()
    assert cpu_seconds_below() > used, "what has ended counts too"
