"""What the tests of exercise 00 share: the two functions, called many times in one process."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from grader.suite import Consumer, Process, Raised, cut, properties
from grader.suite.outcomes import NotGraded


def drawn(st: Any, letters: str) -> Any:
    """Draw JSON objects with at least one field, their keys and texts of these letters."""
    # st.text would read all of Unicode first.
    text = st.lists(st.sampled_from(letters), max_size=6).map("".join)
    numbers = st.integers(-(2**64), 2**64) | st.floats(allow_nan=False, allow_infinity=False)
    plain = st.none() | st.booleans() | numbers | text
    nested = st.dictionaries(text, st.lists(plain, max_size=2), max_size=2)
    return st.dictionaries(
        text, plain | nested | st.lists(nested, max_size=2), min_size=1, max_size=3
    )


# What hypothesis makes at its first draw is there before anything forks.
properties.prepare()
with suppress(NotGraded):
    properties.for_all(random.Random(0), lambda st: drawn(st, "ab"), lambda _: None, examples=5)


@pytest.fixture
def objects() -> Callable[[Any, str], Any]:
    """`objects(st, letters)`: a strategy for JSON objects whose keys and texts have these letters."""
    return drawn


@pytest.fixture
def process(consumer: Consumer) -> Process:
    """The process that all calls of a test share: what one call leaves behind, the next one meets."""
    return consumer.process()


@pytest.fixture
def parse(process: Process) -> Callable[[Any], Any]:
    """`parse(line)`: what it returned; an exception fails the test and shows the line."""

    def call(line: Any) -> Any:
        step = process.start("events.parse", line).next("return")
        # No Failed, which hypothesis would not make smaller.
        assert not isinstance(step, Raised), (
            f"parse should raise no exception; for the line {cut(line, 160)} it raised {step.message}"
        )
        return step.value

    return call


@pytest.fixture
def encode(process: Process) -> Callable[[Any], Any]:
    """`encode(event)`: what it returned; an exception fails the test and shows the event."""

    def call(event: Any) -> Any:
        step = process.start("events.encode", event).next("return")
        assert not isinstance(step, Raised), (
            f"encode should write the event {cut(event, 160)}; it raised {step.message}"
        )
        return step.value

    return call
