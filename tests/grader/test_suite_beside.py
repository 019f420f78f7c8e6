"""Runs beside the tests: they outlive a test, and what goes wrong in them is the later test's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from grader.course import Limits, load_course
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.setup import Setup
from grader.suite import Failed, Run
from grader.suite.beside import Beside
from grader.suite.consumer import Consumer
from grader.suite.session import Session
from grader.worker.wire import Callback

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
def session() -> Iterator[Session]:
    """A session whose sandboxes have the code above."""
    setup = Setup(files={"sample.py": CODE}, limits=Limits(seconds=5))
    exercise = load_course(Path(__file__).resolve().parents[2]).exercise("01")
    made = Session(exercise, lambda: BubblewrapSandbox(setup), {}, {})
    yield made
    made.close()


def start(consumer: Consumer, _: ExitStack) -> Run:
    """A run that stands in its first event."""
    run = consumer.start("sample.take", [{"number": 1}, {"number": 2}], Callback("handle"))
    assert run.next_event() == {"number": 1}
    return run


def test_a_run_goes_on_though_a_test_kills_and_ends(session: Session) -> None:
    """So does a process that it started; what the test began is ended all the same."""
    beside = Beside(session)
    beside.begin("waits", start)
    test = Consumer(session)
    run = test.start("sample.take", [{}], Callback("handle"))
    run.next_event()
    run.kill()
    assert not session.sandbox().processes()
    test.close()
    session.clear()
    waiting, seconds = beside.look("waits", start)
    assert seconds > 0
    waiting.handled()
    assert waiting.next_event() == {"number": 2}
    waiting.handled()
    assert waiting.returned() == -9, "its child had been ended before it killed it"
    beside.close()


def test_what_goes_wrong_at_the_start_is_for_the_test_that_looks(session: Session) -> None:
    """The test that began it is about something else, and nothing of it is left."""
    beside = Beside(session)
    began: list[Consumer] = []

    def fail(consumer: Consumer, at_end: ExitStack) -> None:
        began.append(consumer)
        start(consumer, at_end)
        raise Failed("it should subscribe")

    beside.begin("waits", fail)
    assert not began[0].sandbox.processes()
    with pytest.raises(Failed, match="it should subscribe"):
        beside.look("waits", fail)
    beside.close()


def test_it_begins_again_where_its_sandbox_was_ended(session: Session) -> None:
    """A submission that ends its sandbox is judged on a new one."""
    beside = Beside(session)
    began: list[Consumer] = []

    def note(consumer: Consumer, at_end: ExitStack) -> Run:
        began.append(consumer)
        return start(consumer, at_end)

    beside.begin("waits", note)
    began[0].sandbox.kill()
    run, _ = beside.look("waits", note)
    run.handled()
    assert run.next_event() == {"number": 2}
    assert len(began) == 2
    beside.close()


def test_its_sandbox_ends_with_the_session(session: Session) -> None:
    """Also where nobody closed it."""
    beside = Beside(session)
    began: list[Consumer] = []
    beside.begin("waits", lambda consumer, _: began.append(consumer))
    session.close()
    assert not began[0].sandbox.alive
    began[0].close()


def test_another_has_a_sandbox_of_its_own_and_ends_with_the_session(session: Session) -> None:
    """What is begun there takes no room of the first one's runs, and does not outlive them."""
    beside = Beside(session)
    other = beside.another()
    began: list[Consumer] = []
    for place in (beside, other):
        place.begin("waits", lambda consumer, _: began.append(consumer))
    one, another = (consumer.sandbox for consumer in began)
    assert one is not another
    session.close()
    assert not one.alive
    assert not another.alive
    for consumer in began:
        consumer.close()


def test_a_run_that_does_not_begin_ends_no_other(session: Session) -> None:
    """They share a sandbox, and each is judged for itself."""
    beside = Beside(session)
    beside.begin("waits", start)

    def fail(consumer: Consumer, at_end: ExitStack) -> None:
        start(consumer, at_end)
        raise Failed("it should subscribe")

    beside.begin("fails", fail)
    run, _ = beside.look("waits", start)
    run.handled()
    assert run.next_event() == {"number": 2}
    beside.close()
