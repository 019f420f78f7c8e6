"""The first process of a sandbox: limited, closed, and gone with the sandbox and with the grader."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import Lab

from grader.course import Limits
from grader.host.processes import look_at, runs
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.probe import probe
from grader.sandbox.setup import Setup
from grader.suite.consumer import Consumer
from grader.suite.settle import settled

CODE = b"""\
def run(code):
    space = {}
    exec(code, space)
    return space.get("result")
"""
SETUP = Setup(files={"sample.py": CODE}, limits=Limits(seconds=5, memory_mb=512))


@pytest.fixture
def sandbox() -> Iterator[BubblewrapSandbox]:
    """A started one."""
    with BubblewrapSandbox(SETUP) as sandbox:
        yield sandbox


def limits_of(pid: int) -> dict[str, str]:
    """The soft limits of a process, by name."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
    return {line[:25].strip(): line[25:].split()[0] for line in lines}


def test_it_is_the_only_one_inside(sandbox: BubblewrapSandbox) -> None:
    """No process of bubblewrap's, which student code could write into, is there."""
    (inner,) = sandbox.own
    assert b"worker.zygote" in Path(f"/proc/{inner}/cmdline").read_bytes()
    status = Path(f"/proc/{inner}/status").read_text()
    (pids,) = [line.split()[1:] for line in status.splitlines() if line.startswith("NSpid")]
    assert pids[-1] == "1"


def test_student_code_cannot_open_it(sandbox: BubblewrapSandbox) -> None:
    """Neither its memory, nor its descriptors, nor its environment."""
    consumer = Consumer(Lab(sandbox))
    code = """
result = []
for name in ("mem", "environ", "maps", "fd/0", "fd/1", "fd/2"):
    try:
        open(f"/proc/1/{name}", "r+b" if name == "mem" else "rb").read(1)
        result.append(name)
    except OSError:
        pass
"""
    assert consumer.process().call("sample.run", code) == []
    consumer.close()


def test_its_limits_hold_before_bubblewrap_runs(sandbox: BubblewrapSandbox) -> None:
    """bubblewrap's own process outside has them as well as the one inside."""
    (inner,) = sandbox.own
    outer = look_at(inner).parent
    for pid in (outer, inner):
        limits = limits_of(pid)
        assert limits["Max address space"] == str(512 << 20)
        assert limits["Max file size"] == str(64 << 20)
        assert limits["Max cpu time"] == str(SETUP.limits.total_seconds)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees the descriptors of a closed process")
def test_its_output_is_a_pipe(sandbox: BubblewrapSandbox) -> None:
    """Nothing that it or bubblewrap prints lies on the host's disk."""
    (inner,) = sandbox.own
    for descriptor in (1, 2):
        assert Path(f"/proc/{inner}/fd/{descriptor}").is_fifo()


def test_it_is_ended_even_where_bubblewrap_stands_still(sandbox: BubblewrapSandbox) -> None:
    """kill() reaches it directly, and close() waits for its end."""
    (inner,) = sandbox.own
    outer = look_at(inner).parent
    os.kill(outer, signal.SIGSTOP)
    sandbox.kill()
    assert not settled(lambda: [pid for pid in (inner,) if not look_at(pid).zombie])
    sandbox.close()
    assert not runs(outer)


HOLDS_ON = """
import ctypes, os, signal, sys
for number in set(range(1, 65)) - {9, 19, 32, 33}:
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
    while True:
        signal.pause()
"""


def test_nothing_runs_on_when_the_grader_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also without a control group, where nothing but bubblewrap would end it."""
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_sandbox_first_process import HOLDS_ON, SETUP, BubblewrapSandbox, Consumer, Lab
from grader.sandbox.cgroup import Cgroup
Cgroup.make = classmethod(lambda *_: None)
sandbox = BubblewrapSandbox(SETUP)
sandbox.start()
consumer = Consumer(Lab(sandbox))
consumer.process().call("sample.run", HOLDS_ON)
print(*sandbox.own, *(each.pid for each in sandbox.processes()), flush=True)
sys.stdin.read()
"""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as grader:
        assert grader.stdout is not None
        pids = [int(word) for word in grader.stdout.readline().split()]
        assert len(pids) == 3
        assert all(map(runs, pids))
        grader.send_signal(signal.SIGKILL)
    assert not settled(lambda: [pid for pid in pids if runs(pid)])


def test_the_probe_looks_at_it() -> None:
    """`grader doctor` and every grading run do."""
    walls = {wall.name: wall for wall in probe()}
    for name in ("first process", "afterwards"):
        assert walls[name].essential
        assert walls[name].holds, walls[name].found
