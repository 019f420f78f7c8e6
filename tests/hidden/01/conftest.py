"""What the tests of exercise 01 share: the two functions, called as the contract says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from grader.suite import HANDLE, SLEEP, Consumer, Run

READ = "polling.read_new_events"
POLL = "polling.poll"


@pytest.fixture
def reader(consumer: Consumer) -> Callable[[str, int], tuple[list[Any], int]]:
    """`reader(path, offset)` calls read_new_events in one process and checks what it returns."""
    process = consumer.process()

    def read(path: str, offset: int) -> tuple[list[Any], int]:
        value = process.call(READ, path, offset)
        fits = isinstance(value, (tuple, list)) and len(value) == 2
        fits = fits and isinstance(value[0], list) and type(value[1]) is int
        assert fits, (
            f"read_new_events should return a list of events and an offset, it returned {value!r}"
        )
        return value[0], value[1]

    return read


@pytest.fixture
def start_poll(consumer: Consumer) -> Callable[..., Run]:
    """`start_poll(stream, ...)` begins a poll in a new process; one poll unless told otherwise."""

    def start(stream: Any, **kwargs: Any) -> Run:
        return consumer.start(
            POLL, stream.path, HANDLE, **{"max_polls": 1, "sleep": SLEEP} | kwargs
        )

    return start


@pytest.fixture
def poll_once(consumer: Consumer) -> Callable[..., list[Any]]:
    """`poll_once(stream, ...)`: the events of one whole run that succeeds.

    The runs of one test share a process, which saves forks; tests that are about a new process
    begin one with `start_poll`.
    """
    process = consumer.process()

    def run(stream: Any, **kwargs: Any) -> list[Any]:
        options = {"max_polls": 1, "sleep": SLEEP} | kwargs
        return process.start(POLL, stream.path, HANDLE, **options).drain()

    return run
