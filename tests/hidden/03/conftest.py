"""The fixtures of exercise 03. What they give is in the modules beside this one."""

from __future__ import annotations

import random
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from broker_words import difference
from rabbit_queues import Queues, QuietQueue
from redis_channel import Channel, Listener
from redis_waits import Late, Quiet

from grader.suite import Consumer, content

# Complete messages that are not JSON objects. A message of a broker may be empty, and is bad then.
JUNK = (*content.BAD, b"", b" \n")


@pytest.fixture
def new_name() -> Callable[[], str]:
    """`new_name()`: a channel's or queue's name that nothing else uses.

    Not from the run's seed, which all submissions share: on the user's own broker they would meet.
    """
    return lambda: f"trips-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def junk(rng: random.Random) -> list[bytes]:
    """Bad messages of every kind, in random order."""
    return rng.sample(JUNK, len(JUNK))


@pytest.fixture
def large(rng: random.Random) -> content.Event:
    """An event of more than 64 KB, and of more than a frame of RabbitMQ."""
    return {"event_id": rng.randrange(10**6), "route": "Queens " * rng.randint(20_000, 24_000)}


@pytest.fixture
def returned(rng: random.Random) -> list[Any]:
    """What handle() returns, one after the other, where that is no verdict on the event."""
    return rng.sample(content.RETURNED, len(content.RETURNED))


@pytest.fixture
def in_short() -> Callable[[list[bytes], list[Any]], str]:
    """How many messages there are, and the first that is not what it should be."""

    def describe(bodies: list[bytes], wanted: list[Any]) -> str:
        for number, (body, value) in enumerate(zip(bodies, wanted, strict=False), 1):
            if content.value_of(body) != value:
                return f"{len(bodies)}, and number {number} {difference(body, value)}"
        return str(len(bodies))

    return describe


@pytest.fixture
def listen(channel: Channel) -> Callable[[], Listener]:
    """`listen()`: one more trusted subscriber of the channel."""
    return lambda: Listener(channel)


@pytest.fixture
def new_channel(
    consumer: Consumer, service: Any, new_name: Callable[[], str]
) -> Callable[..., Channel]:
    """`new_channel()`: one more channel that nobody subscribes to yet; `new_channel(name)`."""
    return lambda name="": Channel(service("redis"), consumer, name or new_name())


@pytest.fixture
def channel(new_channel: Callable[..., Channel]) -> Channel:
    """The channel of this test."""
    return new_channel()


@pytest.fixture
def queues(consumer: Consumer, service: Any, new_name: Callable[[], str]) -> Iterator[Queues]:
    """The broker."""
    made = Queues(service("rabbitmq"), consumer, new_name)
    yield made
    made.close()


class Waits:
    """What waits beside the tests, by name."""

    def __init__(self, beside: Any, starts: dict[str, Callable[..., Any]]) -> None:
        self._beside = beside
        self._starts = starts

    def begin(self) -> None:
        """Begin all of them, the first one first."""
        for name, start in self._starts.items():
            self._beside.begin(name, start)

    def look(self, name: str) -> tuple[Any, float]:
        """What waits under that name, and how many seconds it has."""
        waiting, seconds = self._beside.look(name, self._starts[name])
        return waiting, float(seconds)


@pytest.fixture
def waits(beside: Any, new_name: Callable[[], str], rng: random.Random) -> Waits:
    """What waits beside the tests."""
    read_timeout = rng.uniform(0.3, 0.9)
    held = rng.uniform(1.2, 1.6)

    def on_redis(make: Callable[..., Any], *args: Any, **options: Any) -> Callable[..., Any]:
        return lambda consumer, at_end: make(
            Channel(beside.service("redis"), consumer, new_name()),
            at_end,
            content.trips(rng, 3),
            *args,
            **options,
        )

    def on_rabbitmq(consumer: Consumer, at_end: ExitStack) -> QuietQueue:
        queues = Queues(beside.service("rabbitmq"), consumer, new_name)
        return QuietQueue(queues, at_end, content.trips(rng, 2), new_name())

    return Waits(
        beside,
        {
            "redis late": on_redis(Late, held),
            "redis quiet": on_redis(Quiet),
            "redis quiet, read time-out": on_redis(Quiet, socket_timeout=read_timeout),
            "redis quiet after an event": on_redis(Quiet, 1),
            "rabbitmq quiet": on_rabbitmq,
        },
    )


@pytest.fixture(autouse=True)
def waiting_begun(request: pytest.FixtureRequest, waits: Waits) -> None:
    """Begin what waits with the first test of RabbitMQ.

    The tests of Redis that count subscribers are over by then: who subscribes to a pattern would
    be counted there.
    """
    if "rabbitmq" in request.node.path.name:
        waits.begin()
