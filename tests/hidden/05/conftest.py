"""The fixtures of exercise 05. What they give is in the modules stream_*.py beside this one."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from stream_seen import Stream
from stream_student import Student

from grader.services.redis.service import RedisService
from grader.suite import Consumer


@pytest.fixture
def service_of_streams(service: Callable[[str], Any]) -> RedisService:
    """The service; consumer groups are judged on a real server alone."""
    found: RedisService = service("redis")
    found.require_real()
    return found


@pytest.fixture
def new_stream(service_of_streams: RedisService, consumer: Consumer) -> Callable[..., Stream]:
    """`new_stream()`: one more stream that does not exist yet, and the name of its group.

    Not from the run's seed, which all submissions share: on the user's own server they would meet.
    """

    def make(name: str = "trips-{}", group: str = "fares-{}") -> Stream:
        word = uuid.uuid4().hex[:10]
        return Stream(service_of_streams, consumer, name.format(word), group.format(word))

    return make


@pytest.fixture
def stream(new_stream: Callable[..., Stream]) -> Stream:
    """The stream of this test."""
    return new_stream()


@pytest.fixture(scope="session")
def found() -> dict[bool, bool]:
    """Whether the student's code reads what a client answers, with decode_responses off and on."""
    return {}


@pytest.fixture
def student(
    service_of_streams: RedisService,
    consumer: Consumer,
    new_stream: Callable[..., Stream],
    found: dict[bool, bool],
) -> Iterator[Student]:
    """The student's functions."""
    with ExitStack() as at_end:
        yield Student(service_of_streams, consumer, new_stream, found, at_end)
