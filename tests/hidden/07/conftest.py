"""The fixtures of exercise 07. What they give is in the modules bridge_*.py beside this one."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from bridge_habits import Habits
from bridge_patience import Patience
from bridge_places import ANSWERS, CONFIRM, PUBLISH, SENDS, Bridge

from grader.services.gate import Gate, Packet
from grader.services.rabbitmq.service import RabbitMQService
from grader.services.sqs.service import SqsService
from grader.suite import Consumer


@pytest.fixture
def new_bridge(
    service: Callable[[str], Any],
    consumer: Consumer,
    gate: Gate,
    new_stream: Callable[..., Any],
    state: Any,
    rng: random.Random,
    known: dict[str, str],
    patience: Patience,
) -> Iterator[Callable[..., Bridge]]:
    """`new_bridge()`: a file, a queue that is not declared yet, an SQS queue; `fifo=True` for FIFO."""
    sqs: SqsService = service("sqs")
    sqs.clear_requests()
    sqs.fail_batch_entries(None)
    rabbitmq: RabbitMQService = service("rabbitmq")
    connection = rabbitmq.connect()

    def make(*, fifo: bool = False, declared: bool = True) -> Bridge:
        nonlocal connection
        if not connection.is_open:  # the broker has ended it, for what an earlier bridge asked
            connection = rabbitmq.connect()
        name = f"offset-{rng.randrange(16**6):06x}"
        parts = (rabbitmq, connection, sqs, consumer, gate, new_stream(), state.path(name))
        bridge = Bridge(*parts, read=lambda: state.read(name), fifo=fifo, known=known)
        bridge.max_idle = patience.factor * rng.uniform(0.2, 0.25)
        if declared:
            bridge.declare()
        return bridge

    yield make
    if connection.is_open:
        connection.close()
    sqs.fail_batch_entries(None)


@pytest.fixture
def patience(service: Callable[[str], Any], consumer: Consumer) -> Patience:
    """How long the calls of forward in this test wait for another message."""
    return Patience(service("sqs"), consumer.seconds)


@pytest.fixture
def bridge(new_bridge: Callable[..., Bridge]) -> Bridge:
    """The bridge of this test; its queue is declared."""
    return new_bridge()


@pytest.fixture
def publish() -> Packet:
    """A message on its way to RabbitMQ."""
    return PUBLISH


@pytest.fixture
def confirm() -> Packet:
    """The broker's word that it has messages, on its way to the program."""
    return CONFIRM


@pytest.fixture
def sends() -> tuple[Packet, ...]:
    """A request that sends messages to SQS."""
    return SENDS


@pytest.fixture
def answers() -> tuple[Packet, ...]:
    """The answer to such a request, on its way to the program."""
    return ANSWERS


@pytest.fixture(scope="session")
def known() -> dict[str, str]:
    """What was found out about the student's functions."""
    return {}


@pytest.fixture
def habits(
    new_bridge: Callable[..., Bridge],
    trips: Callable[..., list[Any]],
    rng: random.Random,
    known: dict[str, str],
) -> Habits:
    """What the student's forward does that more than one check would notice."""
    return Habits(new_bridge, trips, rng, known)
