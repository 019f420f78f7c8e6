"""Runs beside the tests: they outlive a test, and what goes wrong in them is the later test's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from lab import Lab

from grader.course import Limits
from grader.sandbox.base import Sandbox, Setup
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.inside.wire import Callback
from grader.suite import Failed, Run
from grader.suite.beside import Beside
from grader.suite.consumer import Consumer

CODE = b"""\
import subprocess

def take(events, handle):
    child = subprocess.Popen(["sleep", "60"])
    for event in events:
        handle(event)
    child.kill()
    return child.wait()
"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with the code above."""
    with BubblewrapSandbox(Setup(files={"sample.py": CODE}, limits=Limits(seconds=5))) as sandbox:
        yield sandbox


def start(consumer: Consumer, _: ExitStack) -> Run:
    """A run that stands in its first event."""
    run = consumer.start("sample.take", [{"number": 1}, {"number": 2}], Callback("handle"))
    assert run.next_event() == {"number": 1}
    return run


def test_a_run_goes_on_though_the_test_that_began_it_ended(sandbox: Sandbox) -> None:
    """So does a process that it started; what a test leaves behind is ended all the same."""
    lab = Lab(sandbox)
    beside = Beside(lab)
    test = Consumer(lab)
    beside.begin("waits", start)
    test.start("sample.take", [{}], Callback("handle")).next_event()
    test.close()
    sandbox.end_strays(lab.beside)
    run, seconds = beside.look("waits", start)
    assert seconds > 0
    run.handled()
    assert run.next_event() == {"number": 2}
    run.handled()
    assert run.returned() == -9, "its child had been ended before it killed it"
    beside.close()
    assert (sandbox.processes(), lab.beside) == ([], set())


def test_what_goes_wrong_at_the_start_is_for_the_test_that_looks(sandbox: Sandbox) -> None:
    """The test that began it is about something else, and nothing of it is left."""
    lab = Lab(sandbox)
    beside = Beside(lab)

    def fail(consumer: Consumer, at_end: ExitStack) -> None:
        start(consumer, at_end)
        raise Failed("it should subscribe")

    beside.begin("waits", fail)
    assert (sandbox.processes(), lab.beside) == ([], set())
    with pytest.raises(Failed, match="it should subscribe"):
        beside.look("waits", fail)
    beside.close()


def test_it_begins_again_where_its_sandbox_was_ended(sandbox: Sandbox) -> None:
    """A submission that ends its sandbox in another test is judged on a new one."""
    with BubblewrapSandbox(sandbox.setup) as another:
        lab = Lab(sandbox)
        beside = Beside(lab)
        beside.begin("waits", start)
        sandbox.kill()
        lab.sandbox = lambda: another  # type: ignore[method-assign]
        run, _ = beside.look("waits", start)
        run.handled()
        assert run.next_event() == {"number": 2}
        beside.close()
