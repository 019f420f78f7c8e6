"""A run that is drained does not wait for answers, and is judged as one that does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from lab import Lab

from grader.course import Limits
from grader.report import Kind
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.setup import Setup
from grader.suite import Failed, Process, expect
from grader.suite.consumer import Consumer
from grader.worker.wire import Callback

CODE = b"""\
import os
import threading

def take(events, handle):
    count = 0
    for event in events:
        handle(event)
        count += 1
    return count

def leaves_one_out(events, handle):
    take([event for event in events if event], handle)
    threading.Event().wait()

def dies(events, handle):
    take(events, handle)
    os._exit(0)
"""
EVENTS = [{"number": number} for number in range(300)]
HANDLE = Callback("handle")


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    """A process of the code above, with the answers that it was given as `answers`."""
    limits = Limits(seconds=5)
    with ProcessSandbox(Setup(files={"sample.py": CODE}, limits=limits)) as sandbox:
        consumer = Consumer(Lab(sandbox))
        made = consumer.process()
        answers: list[dict[str, Any]] = []
        send = made.answer

        def answer(message: dict[str, Any]) -> None:
            answers.append(message)
            send(message)

        monkeypatch.setattr(made, "answer", answer)
        monkeypatch.setattr(made, "answers", answers, raising=False)
        yield made
        consumer.close()


def answered(process: Process) -> int:
    """How many steps were answered, the requests for calls left out."""
    answers: list[dict[str, Any]] = process.answers  # type: ignore[attr-defined]
    return sum("function" not in each for each in answers)


def test_one_answer_is_enough(process: Process) -> None:
    """All events come, in order, with the value."""
    run = process.start("sample.take", EVENTS, HANDLE)
    assert run.drain() == EVENTS
    assert run.value == len(EVENTS)
    assert answered(process) == 1


def test_the_next_call_waits_again(process: Process) -> None:
    """Liberty is for the rest of one call."""
    process.start("sample.take", EVENTS, HANDLE).drain()
    run = process.start("sample.take", EVENTS, HANDLE)
    assert run.next_event() == EVENTS[0]
    assert run.waiting(0.2), "it went on without an answer"
    run.fails()
    assert run.raised().by_handle


def test_steps_may_be_taken_before_it(process: Process) -> None:
    """What a test has answered by itself is not among the events."""
    run = process.start("sample.take", EVENTS, HANDLE)
    run.next_event()
    run.handled()
    assert run.drain() == EVENTS[1:]
    assert run.value == len(EVENTS)


def test_whoever_looks_at_each_step_is_waited_for(process: Process) -> None:
    """The medium may be changed in a step, so every step is answered."""
    run = process.start("sample.take", EVENTS[:5], HANDLE)
    run.drain(lambda _: None)
    assert answered(process) == 5


def test_the_end_of_the_process_comes_after_its_last_event(process: Process) -> None:
    """What it said before is heard."""
    with pytest.raises(Failed, match="ended its own process"):
        process.start("sample.dies", EVENTS, HANDLE).drain()


def test_who_leaves_one_out_is_told_which(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It then waits for another one for ever; the sentence names the one, the kind says that it hung."""
    monkeypatch.setattr(process.case, "seconds", 0.5)
    run = process.start("sample.leaves_one_out", [EVENTS[0], {}, EVENTS[1]], HANDLE)
    with pytest.raises(Failed) as caught:
        expect.all_events(run, [EVENTS[0], {}, EVENTS[1]], "3 events were sent")
    assert str(caught.value) == (
        "3 events were sent: as number 2 it should handle {}, it handled number 3, {'number': 1}"
    )
    assert caught.value.kind is Kind.HUNG


def test_who_waits_for_more_than_there_was_is_told_where(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All events came in order: the sentence says where it stands."""
    monkeypatch.setattr(process.case, "seconds", 0.5)
    run = process.start("sample.leaves_one_out", EVENTS[:2], HANDLE)
    with pytest.raises(Failed, match=r"2 events were sent: expected .*did neither after event 2"):
        expect.all_events(run, EVENTS[:2], "2 events were sent")


def test_a_run_at_liberty_is_still_seen_step_by_step(process: Process) -> None:
    """Its callbacks return by themselves, and each is a step."""
    run = process.start("sample.take", EVENTS, HANDLE)
    assert run.next_event() == EVENTS[0]
    run.set_at_liberty()
    for event in EVENTS[1:]:
        assert run.next_event() == event
        run.handled()
    assert run.returned() == len(EVENTS)
    assert answered(process) == 1
