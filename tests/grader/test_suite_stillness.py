"""A run that waits for somebody else is told from one that goes on, and stop() is the suite's."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from lab import Lab

from grader.course import Limits
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.setup import Setup
from grader.suite.consumer import Consumer
from grader.suite.steps import Handle, Returned, Stop
from grader.suite.stillness import Stillness
from grader.worker.wire import Callback

CODE = b"""\
import socket, subprocess, threading, time

def waits(handle):
    one, other = socket.socketpair()
    handle(1)
    one.recv(1)

def computes(handle):
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        pass
    handle(1)

def computes_beside(handle):
    thread = threading.Thread(target=computes, args=(handle,))
    thread.start()
    thread.join()

def has_a_child(handle):
    code = "import time; end = time.monotonic() + 0.3\\nwhile time.monotonic() < end: pass"
    subprocess.run(["python3", "-c", code])
    handle(1)

def until_stopped(stop):
    asked = 0
    while not stop():
        asked += 1
    return asked
"""
HANDLE, STOP = Callback("handle"), Callback("stop")


@pytest.fixture(params=[ProcessSandbox, BubblewrapSandbox], ids=lambda kind: kind.kind)
def consumer(request: pytest.FixtureRequest) -> Iterator[Consumer]:
    """The code above, in each kind of sandbox."""
    with request.param(Setup(files={"sample.py": CODE}, limits=Limits(seconds=5))) as sandbox:
        consumer = Consumer(Lab(sandbox))
        yield consumer
        consumer.close()


def test_it_waits(consumer: Consumer) -> None:
    """Steps come as they do; when it waits for something else there is none."""
    run = consumer.start("sample.waits", HANDLE)
    assert run.next_unless_still() == Handle(1)
    run.handled()
    assert run.next_unless_still() is None


@pytest.mark.parametrize("function", ["computes", "computes_beside", "has_a_child"])
def test_it_goes_on(consumer: Consumer, function: str) -> None:
    """What computes for a while before its next step does not stand still, nor what waits for that."""
    run = consumer.start(f"sample.{function}", HANDLE)
    assert run.next_unless_still() == Handle(1)


def test_what_a_test_waits_for_may_come_first(consumer: Consumer) -> None:
    """A step that is there comes before it; where none is, it does."""
    run = consumer.start("sample.waits", HANDLE)
    flag = threading.Event()

    class Halt(Stillness):
        def _all_sleep(self) -> bool:
            return flag.is_set()

    with Halt(0) as halt:
        assert run.next_before(halt) == Handle(1)
        run.handled()
        flag.set()
        assert run.next_before(halt) is None


def test_stop_returns_what_the_suite_says(consumer: Consumer) -> None:
    """False as long as the suite goes on, then True."""
    run = consumer.start("sample.until_stopped", STOP)
    for _ in range(3):
        assert run.next() == Stop()
        run.go_on()
    assert run.next() == Stop()
    run.stops()
    assert run.next() == Returned(3)
