"""A kill is a crash: what the submission runs ends with it, at once, and its files stay."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from lab import Lab

from grader.course import Limits
from grader.host.processes import ProcessInfo, runs, without
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.setup import Setup
from grader.suite.consumer import Consumer
from grader.worker.wire import Callback, Kept, New

HANDLE = Callback("handle")
CODE = b"""\
import os, select, signal, socket

memory = []

class Box:
    def __init__(self, content):
        self.content = content

def inside(box):
    return box.content, os.getpid()

def remember(value):
    memory.append(value)
    return list(memory)

def run(code, handle=None):
    space = {"handle": handle}
    exec(code, space)
    return space.get("result")
"""
DAEMON = """
import os, signal
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in set(range(1, 65)) - {9, 19, 32, 33}:
        signal.signal(number, signal.SIG_IGN)
    while True:
        signal.pause()
os.wait()
handle(1)
"""
"""Its parent has ended, its session is its own, and it can be ended by SIGKILL alone."""
WITNESS = """
import os, select
read_end, write_end = os.pipe()
if os.fork() == 0:
    os.setsid()
    os.close(write_end)
    select.select([read_end], [], [])
    open({path!r}, "w").write("undone")
    os._exit(0)
handle(1)
"""
"""A child that acts when its parent dies: it holds the reading end of a pipe of the parent's."""
CHILD = "import subprocess; subprocess.Popen(['sleep', '1000']); handle(1)"


@pytest.fixture(params=[ProcessSandbox, BubblewrapSandbox], ids=lambda kind: kind.kind)
def consumer(request: pytest.FixtureRequest) -> Iterator[Consumer]:
    """The code above, in each kind of sandbox."""
    setup = Setup(files={"sample.py": CODE}, limits=Limits(seconds=5))
    with request.param(setup) as sandbox:
        consumer = Consumer(Lab(sandbox))
        yield consumer
        consumer.close()


@pytest.mark.parametrize("code", [DAEMON, CHILD], ids=["daemon", "child"])
def test_what_a_run_left_running_ends_with_it(consumer: Consumer, code: str) -> None:
    """Also a daemon, which no tree of processes leads to."""
    run = consumer.start("sample.run", code, HANDLE)
    run.next_event()
    (left,) = consumer.processes()
    run.kill()
    assert not consumer.processes()
    assert not runs(left.pid)


def test_no_child_sees_its_parent_die(consumer: Consumer) -> None:
    """It would tidy up, as after no crash: 20 tries."""
    for number in range(20):
        name = f"witness{number}"
        run = consumer.start("sample.run", WITNESS.format(path=consumer.state.path(name)), HANDLE)
        run.next_event()
        run.kill()
        assert consumer.state.read(name) is None


def test_the_files_of_a_killed_run_stay(consumer: Consumer) -> None:
    """As many as it likes, and nothing in shared memory."""
    files = [consumer.state.path(name) for name in ("offset", "offset.new", "notes")]
    code = f"for path in {files!r}: open(path, 'w').write('x')\nhandle(1)"
    run = consumer.start("sample.run", code, HANDLE)
    run.next_event()
    run.kill()
    assert consumer.state.names() == ["notes", "offset", "offset.new"]


def test_shared_memory_of_a_killed_run_is_gone() -> None:
    """Segments of multiprocessing's and files there; in a sandbox, whose folder it is."""
    segment = (
        "from multiprocessing import shared_memory, resource_tracker\n"
        "made = shared_memory.SharedMemory(create=True, size=10)\n"
        "open('/dev/shm/mine', 'w').write('7')\nhandle(1)"
    )
    with BubblewrapSandbox(Setup(files={"sample.py": CODE})) as sandbox:
        consumer = Consumer(Lab(sandbox))
        run = consumer.start("sample.run", segment, HANDLE)
        run.next_event()
        look = "import os; result = os.listdir('/dev/shm')"
        assert len(consumer.process().call("sample.run", look)) == 2
        run.kill()
        assert consumer.process().call("sample.run", look) == []
        consumer.close()


def test_no_message_queue_can_be_made() -> None:
    """It would outlive its process, and is no file."""
    code = (
        "import ctypes\nlibc = ctypes.CDLL('librt.so.1', use_errno=True)\n"
        "result = libc.mq_open(b'/q', 0o102, 0o600, None)"
    )
    with BubblewrapSandbox(Setup(files={"sample.py": CODE})) as sandbox:
        consumer = Consumer(Lab(sandbox))
        assert consumer.process().call("sample.run", code) == -1
        consumer.close()


def test_an_idle_process_goes_with_a_crash_and_the_next_call_has_a_new_one(
    consumer: Consumer,
) -> None:
    """What it had in memory is gone; what the suite made it keep is made again."""
    idle = consumer.process()
    idle.keep("box", New("sample.Box", "content"))
    content, inner = idle.call("sample.inside", Kept("box"))
    assert content == "content"
    assert idle.call("sample.remember", 1) == [1]
    before = idle.pid
    run = consumer.start("sample.run", "handle(1)", HANDLE)
    run.next_event()
    run.kill()
    assert not idle.alive
    assert not runs(before)
    assert idle.call("sample.remember", 2) == [2]
    assert idle.call("sample.inside", Kept("box"))[0] == "content"
    assert idle.pid != before
    assert inner


def test_a_call_under_way_lives_on_with_what_it_started(consumer: Consumer) -> None:
    """Two consumers at a time: one is killed, and the other one's child is not."""
    living = consumer.start("sample.run", CHILD + "\nresult = 'went on'", HANDLE)
    living.next_event()
    (child,) = consumer.processes()
    killed = consumer.start("sample.run", DAEMON, HANDLE)
    killed.next_event()
    assert len(consumer.processes()) == 2
    killed.kill()
    assert [each.pid for each in consumer.processes()] == [child.pid]
    living.handled()
    assert living.returned() == "went on"


def test_a_process_that_is_no_longer_needed_ends_alone(consumer: Consumer) -> None:
    """Process.kill() is no crash: idle ones keep what they have."""
    idle, other = consumer.process(), consumer.process()
    idle.call("sample.remember", 1)
    other.kill()
    assert idle.call("sample.remember", 2) == [1, 2]


def test_who_is_spared() -> None:
    """The spared, what began below them, and their session's; nobody else of the same parent."""

    def process(pid: int, parent: int, session: int) -> ProcessInfo:
        return ProcessInfo(pid, "x", zombie=False, parent=parent, session=session)

    first = 1
    spared, child, grandchild = process(10, first, 10), process(11, 10, 10), process(12, 11, 12)
    orphan = process(13, first, 10)
    killed, daemon = process(20, first, 20), process(21, first, 21)
    everybody = [daemon, grandchild, child, orphan, spared, killed]
    assert without(everybody, [10]) == [daemon, killed]
    assert without(everybody, []) == everybody


@pytest.mark.skipif(os.geteuid() != 0, reason="root grades in a control group")
def test_many_processes_end_at_once() -> None:
    """As many as the sandbox allows, each forking on: none is left."""
    bomb = "import os\nhandle(1)\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"
    with BubblewrapSandbox(Setup(files={"sample.py": CODE}, limits=Limits(seconds=5))) as sandbox:
        consumer = Consumer(Lab(sandbox))
        run = consumer.start("sample.run", bomb, HANDLE)
        run.next_event()
        run.handled()
        run.waiting(0.2)
        run.kill()
        assert sandbox.alive
        assert not sandbox.processes()
        consumer.close()
