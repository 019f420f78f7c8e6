"""What the tests of exercise 00 share: the two functions, called many times in one process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from grader.suite import Consumer, Process, Raised, properties

properties.prepare()

_SHOWN = 160
"""Characters of a line or an event in a sentence."""


@pytest.fixture
def process(consumer: Consumer) -> Process:
    """The process that all calls of a test share: what one call leaves behind, the next one meets."""
    return consumer.process()


@pytest.fixture
def parse(process: Process, shown: Callable[[Any], str]) -> Callable[[Any], Any]:
    """`parse(line)`: what it returned; an exception fails the test and shows the line."""

    def call(line: Any) -> Any:
        step = process.start("events.parse", line).next("return")
        # No Failed, which hypothesis would not make smaller.
        assert not isinstance(step, Raised), (
            f"parse should raise no exception; for the line {shown(line)} it raised {step.message}"
        )
        return step.value

    return call


@pytest.fixture
def encode(process: Process, shown: Callable[[Any], str]) -> Callable[[Any], Any]:
    """`encode(event)`: what it returned; an exception fails the test and shows the event."""

    def call(event: Any) -> Any:
        step = process.start("events.encode", event).next("return")
        assert not isinstance(step, Raised), (
            f"encode should write the event {shown(event)}; it raised {step.message}"
        )
        return step.value

    return call


@pytest.fixture
def shown() -> Callable[[Any], str]:
    """`shown(value)`: a line or an event for a sentence, cut where it is long."""

    def short(value: Any) -> str:
        text = repr(value)
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"

    return short
