"""What the kernel does a moment later is looked at until then, and who gets on is not hanging."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import pytest
from lab import Lab

from grader.course import Limits
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.setup import Setup
from grader.suite import Failed, settled
from grader.suite.consumer import Consumer

CODE = b"""\
import subprocess, time

def leave(seconds):
    subprocess.run(["sh", "-c", f"sleep {seconds} >/dev/null 2>&1 &"])

def pause(seconds):
    time.sleep(seconds)
"""


@pytest.fixture
def consumer() -> Iterator[Consumer]:
    """The code above; a step may take a second."""
    with ProcessSandbox(Setup(files={"sample.py": CODE}, limits=Limits(seconds=1))) as sandbox:
        consumer = Consumer(Lab(sandbox))
        yield consumer
        consumer.close()


def wait_for_sleep(consumer: Consumer) -> None:
    """Wait until the shell's child has become the sleep."""

    def others() -> list[str]:
        names = [each.name for each in consumer.processes()]
        return [] if names == ["sleep"] else ["not yet", *names]

    assert not settled(others, within=60)


def test_what_is_on_its_way_out_is_not_left(consumer: Consumer) -> None:
    """A look at once finds it; `left_processes` waits, and no longer than it takes."""
    consumer.process().call("sample.leave", 2)
    wait_for_sleep(consumer)
    assert not consumer.left_processes(within=60)


def test_what_stays_is_left(consumer: Consumer) -> None:
    """After the time given; what does not match is not counted."""
    consumer.process().call("sample.leave", 1000)
    wait_for_sleep(consumer)
    begin = time.monotonic()
    assert [each.name for each in consumer.left_processes(within=0.2)] == ["sleep"]
    assert time.monotonic() - begin >= 0.2
    assert not consumer.left_processes(lambda each: each.name == "tail", within=60)


def test_settled_gives_the_first_empty_look_or_the_last() -> None:
    """In order of the looks."""
    looks = iter([[1, 2], [1], []])
    assert settled(lambda: next(looks), within=60) == []
    counting = itertools.count()
    assert settled(lambda: [next(counting)], within=0) == [0]


def test_who_gets_on_does_not_hang(consumer: Consumer) -> None:
    """A wait begins anew when what the test watches has changed; without it, it ends."""
    watched = itertools.count()
    consumer.progress = lambda: next(watched)
    consumer.process().call("sample.pause", 2)
    consumer.progress = lambda: "the same"
    with pytest.raises(Failed, match="for 1 s it did not"):
        consumer.process().call("sample.pause", 1000)
