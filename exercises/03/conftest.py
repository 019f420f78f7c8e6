"""Brokers for the public tests of exercise 03: a Redis stand-in, and a real RabbitMQ."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator

import fakeredis
import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from grader.errors import ServiceError
from grader.services.rabbitmq.answering import rabbitmq_problem
from grader.services.rabbitmq.broker import rabbitmq_url

USUAL_URL = "amqp://guest:guest@localhost:5672/"


@pytest.fixture
def client() -> fakeredis.FakeRedis:
    """Return a Redis client whose server is inside this process, and as empty as a new one."""
    return fakeredis.FakeRedis(server=fakeredis.FakeServer())


@pytest.fixture(scope="session")
def parameters() -> Iterator[pika.ConnectionParameters]:
    """Where RabbitMQ is: RABBITMQ_URL, the usual place, or a private one that starts now."""
    usual = pika.URLParameters(USUAL_URL)
    # Another program may have the port.
    if "RABBITMQ_URL" not in os.environ and not rabbitmq_problem(usual.host, usual.port):
        yield usual
        return
    try:
        with rabbitmq_url() as url:
            yield pika.URLParameters(url)
    except ServiceError as problem:
        pytest.skip(str(problem))


@pytest.fixture
def channel(parameters: pika.ConnectionParameters) -> Iterator[BlockingChannel]:
    """Open a channel to look at the broker with, beside yours."""
    with pika.BlockingConnection(parameters) as connection:
        yield connection.channel()


@pytest.fixture
def queue(parameters: pika.ConnectionParameters) -> Iterator[str]:
    """Name a queue that does not exist yet; whatever has the name at the end is deleted."""
    name = f"test-{uuid.uuid4().hex[:10]}"
    yield name
    with contextlib.suppress(AMQPError), pika.BlockingConnection(parameters) as connection:
        connection.channel().queue_delete(name)
        connection.channel().queue_delete(f"{name}.dead")
