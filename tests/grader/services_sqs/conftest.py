"""A service of SQS, a client and a queue, for the tests beside this file."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from grader.services.sqs.service import SqsService


@pytest.fixture
def service() -> Iterator[SqsService]:
    """The service on a port of its own."""
    found = SqsService()
    listener = socket.create_server(("127.0.0.1", 0))
    found.attach(listener, listener.getsockname()[1])
    yield found
    found.close()


@pytest.fixture
def client(service: SqsService) -> Iterator[Any]:
    """What a student's process would build."""
    built = boto3.client("sqs", **service.consumer_arguments)
    yield built
    built.close()


@pytest.fixture
def url(client: Any, request: pytest.FixtureRequest) -> str:
    """A queue with a visibility timeout of 30 s."""
    name = f"q{abs(hash(request.node.nodeid))}"
    created: str = client.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "30"})[
        "QueueUrl"
    ]
    return created
