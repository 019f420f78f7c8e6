"""Fixtures of exercise 03: a Redis in this process, and a real RabbitMQ."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import fakeredis
import pika
import pytest
import redis
from pika.adapters.blocking_connection import BlockingChannel

from grader.errors import ServiceError
from grader.services import rabbitmq_broker


@pytest.fixture
def server() -> fakeredis.FakeServer:
    """A Redis that lives in this process; every test has its own."""
    return fakeredis.FakeServer()


@pytest.fixture
def client(server: fakeredis.FakeServer) -> redis.Redis:
    """A client of that Redis."""
    return fakeredis.FakeRedis(server=server)


@pytest.fixture(scope="session")
def parameters() -> Iterator[pika.ConnectionParameters]:
    """Where RabbitMQ is: RABBITMQ_URL, `grader services up`, or a node started for these tests."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(rabbitmq_broker.rabbitmq_url())
        except ServiceError as error:
            pytest.skip(str(error))
        yield pika.URLParameters(url)


@pytest.fixture
def channel(parameters: pika.ConnectionParameters) -> Iterator[BlockingChannel]:
    """The test's own channel."""
    with pika.BlockingConnection(parameters) as connection:
        yield connection.channel()


@pytest.fixture
def queue(parameters: pika.ConnectionParameters) -> Iterator[str]:
    """A queue name that nobody has used; what was declared under it is removed afterwards."""
    name = f"trips-{uuid.uuid4().hex[:8]}"
    yield name
    with pika.BlockingConnection(parameters) as connection:
        for each in (name, f"{name}.dead"):
            connection.channel().queue_delete(each)
