"""Where a process is stopped: before each change of a file, whatever makes it, and at lines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab import Lab

from grader.course import Limits
from grader.sandbox.base import Setup
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.process import ProcessSandbox
from grader.suite import Line, Returned, Write
from grader.suite.consumer import Consumer
from grader.suite.run import Run
from grader.worker.wire import Callback

CODE = b"""\
import mmap, os, subprocess, sys, threading

def run(code):
    exec(code, globals())

def events(items, handle):
    for item in items:
        handle(item)
"""


@pytest.fixture(params=[ProcessSandbox, BubblewrapSandbox], ids=lambda kind: kind.kind)
def consumer(request: pytest.FixtureRequest) -> Iterator[Consumer]:
    """The code above, in each kind of sandbox."""
    setup = Setup(files={"sample.py": CODE}, limits=Limits(seconds=5))
    with request.param(setup) as sandbox:
        consumer = Consumer(Lab(sandbox))
        yield consumer
        consumer.close()


def stops(run: Run) -> list[str]:
    """Let it run to its end; the system calls before which it was held."""
    found = []
    while not isinstance(step := run.next(), Returned):
        assert isinstance(step, Write)
        found.append(step.syscall)
        run.go_on()
    return found


@pytest.mark.parametrize(
    "code",
    [
        "os.system(f'echo 7 > {path}')",
        "subprocess.run(f'echo 7 > {path}', shell=True)",
        "os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), 0); os.write(0, b'7')",
        "sys.stdout.flush(); os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), 1); print(7, flush=True)",
    ],
)
def test_a_write_through_any_descriptor_is_held(consumer: Consumer, code: str) -> None:
    """What the descriptor is counts: a shell writes into a file by standard output."""
    path = consumer.state.path("f")
    run = consumer.process(stop_at_writes=True).start("sample.run", f"path = {path!r}\n{code}")
    held = []
    while not isinstance(step := run.next(), Returned):
        assert isinstance(step, Write)
        held.append((step.syscall, consumer.state.read("f")))
        run.go_on()
    assert ("write", b"") in held, held
    assert consumer.state.read("f") in (b"7", b"7\n")


def test_what_goes_to_a_pipe_or_a_device_is_not_held(consumer: Consumer) -> None:
    """Neither of them is a file, whatever its number is."""
    code = """
read, write = os.pipe()
os.write(write, b"x")
os.dup2(write, 60)
os.write(60, b"x")
subprocess.run("echo 7 | cat", shell=True)
print("x", flush=True)
"""
    assert stops(consumer.process(stop_at_writes=True).start("sample.run", code)) == []


def test_a_shared_mapping_of_a_file_is_held(consumer: Consumer) -> None:
    """What changes the file later is no system call; a private mapping changes nothing."""
    path = consumer.state.path("f")
    consumer.state.write("f", b"0" * 8)
    code = f"""
with open({path!r}, "r+b") as file:
    mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_COPY)[:] = b"1" * 8
    mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)
    mmap.mmap(-1, 8)[:] = b"1" * 8
    mmap.mmap(file.fileno(), 8)[:] = b"2" * 8
"""
    held = stops(consumer.process(stop_at_writes=True).start("sample.run", code))
    assert held.count("mmap") == 1
    assert consumer.state.read("f") == b"2" * 8


def test_a_kill_leaves_a_shell_that_cannot_write(consumer: Consumer) -> None:
    """What the process started is held too, and changes nothing after the kill."""
    path = consumer.state.path("f")
    run = consumer.process(stop_at_writes=True).start(
        "sample.run", f"os.system('echo 7 > {path}; echo 8 > {path}')"
    )
    while (step := run.next()) != Write("write"):
        assert isinstance(step, Write)
        run.go_on()
    run.kill()
    assert consumer.state.read("f") == b""


def test_lines_of_the_students_code_are_steps(consumer: Consumer) -> None:
    """Each line stands still before it runs; callbacks come in between, in order."""
    run = consumer.process(stop_at_lines=True).start("sample.events", [1, 2], Callback("handle"))
    lines = []
    events = run.drain(lambda step: lines.append(step.number) if isinstance(step, Line) else None)
    assert events == [1, 2]
    assert lines == [7, 8, 7, 8, 7]
