"""Threads of a submission that call handle: what they get, and what leaves them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import Lab

from grader.course import Limits
from grader.sandbox.base import Setup
from grader.sandbox.process import ProcessSandbox
from grader.suite import HANDLE, Consumer, Handle, Process, Raised, Returned

CODE = b"""\
import asyncio, pathlib, threading, time

threads = []

def handles_aside(handle, over):
    threads.append(threading.Thread(target=handle, args=("aside",), daemon=True))
    threads[0].start()
    while not pathlib.Path(over).exists():
        time.sleep(0.001)
    raise ConnectionError("the broker has gone")

def handles(handle):
    handle("next")
    return "handled"

def handles_in_an_executor(handle):
    async def main():
        await asyncio.to_thread(handle, "awaited")
    asyncio.run(main())

def has_got_its_answer():
    threads[0].join(5)
    return not threads[0].is_alive()
"""


@pytest.fixture
def process() -> Iterator[Process]:
    """A process of the code above."""
    setup = Setup(files={"sample.py": CODE}, limits=Limits(seconds=5))
    with ProcessSandbox(setup) as sandbox:
        consumer = Consumer(Lab(sandbox))
        yield consumer.process()
        consumer.close()


@pytest.fixture
def process_with_thread(process: Process, tmp_path: Path) -> Process:
    """A process whose call raised while a thread of it called handle, which nobody answered."""
    over = tmp_path / "over"
    run = process.start("sample.handles_aside", HANDLE, str(over))
    assert run.next() == Handle("aside")
    over.touch()
    assert isinstance(run.next(), Raised)
    return process


def test_the_next_call_gets_its_request_and_its_answer(process_with_thread: Process) -> None:
    """The thread stands still for good."""
    run = process_with_thread.start("sample.handles", HANDLE)
    assert run.next() == Handle("next")
    run.handled()
    assert run.next() == Returned("handled")


def test_an_answer_that_comes_after_the_call_is_the_threads(process_with_thread: Process) -> None:
    """As when the suite said yes, and the program raised before it heard so."""
    process_with_thread.answer({})
    run = process_with_thread.start("sample.handles", HANDLE)
    assert run.next() == Handle("next")
    run.handled()
    assert run.next() == Returned("handled")
    assert process_with_thread.call("sample.has_got_its_answer") is True


def test_a_stop_iteration_leaves_a_thread_that_is_awaited(process: Process) -> None:
    """Python up to 3.12 would hang; it counts as what handle raised."""
    run = process.start("sample.handles_in_an_executor", HANDLE)
    assert run.next() == Handle("awaited")
    run.fails("StopIteration")
    assert run.raised().by_handle
