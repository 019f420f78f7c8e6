"""Who calls stop() is known: what it raises leaves the call only from the call's own thread."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab import Lab

from grader.course import Limits
from grader.sandbox.base import Setup
from grader.sandbox.process import ProcessSandbox
from grader.suite import STOP, Consumer, Process, Returned, Stop

CODE = b"""\
import threading

def asks(stop):
    stop()

def has_asked(stop):
    thread = threading.Thread(target=stop)
    thread.start()
    thread.join()
"""


@pytest.fixture
def process() -> Iterator[Process]:
    """A process of the code above."""
    setup = Setup(files={"sample.py": CODE}, limits=Limits(seconds=5))
    with ProcessSandbox(setup) as sandbox:
        consumer = Consumer(Lab(sandbox))
        yield consumer.process()
        consumer.close()


@pytest.mark.parametrize(("function", "in_thread"), [("asks", False), ("has_asked", True)])
def test_the_thread_that_asks_is_known(process: Process, function: str, in_thread: bool) -> None:  # noqa: FBT001
    """The function itself, or a thread that it began."""
    run = process.start(f"sample.{function}", STOP)
    assert run.next() == Stop(in_thread=in_thread)
    run.go_on()
    assert run.next() == Returned(None)
