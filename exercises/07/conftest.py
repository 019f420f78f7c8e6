"""Servers for the public tests of exercise 07: a real RabbitMQ, and moto in this process."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pika
import pytest
from moto import mock_aws
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from grader.errors import ServiceError
from grader.services.rabbitmq.answering import rabbitmq_problem
from grader.services.rabbitmq.broker import rabbitmq_url

USUAL_URL = "amqp://guest:guest@localhost:5672/"


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


@pytest.fixture
def trips(tmp_path: Path) -> Path:
    """Where the file with the events is; it does not exist yet."""
    return tmp_path / "trips.jsonl"


@pytest.fixture
def offset(tmp_path: Path) -> Path:
    """Where the offset is kept."""
    return tmp_path / "offset"


Refuse = Callable[[dict[str, Any]], bool]


class Sqs:
    """A boto3 client, and what the tests see of it. `refuse` says which entries SQS refuses."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.batches: list[list[dict[str, Any]]] = []
        """The entries of each SendMessageBatch so far."""
        self.refuse: Refuse = lambda _: False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def send_message_batch(self, *, QueueUrl: str, Entries: Any) -> dict[str, Any]:  # noqa: N803
        """Send, but for the entries that are refused: those are in `Failed`, as SQS does it."""
        entries = list(Entries)
        self.batches.append(entries)
        refused = [each for each in entries if self.refuse(each)]
        taken = [each for each in entries if each not in refused]
        answer: dict[str, Any] = {"Successful": []}
        if taken:
            answer = self._client.send_message_batch(QueueUrl=QueueUrl, Entries=taken)
        if refused:
            why = {"SenderFault": False, "Code": "InternalError", "Message": "try again"}
            answer["Failed"] = [{"Id": each["Id"], **why} for each in refused]
        return answer

    def url(self, name: str) -> str:
        """Create a queue, and return its URL."""
        kind = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        url: str = self._client.create_queue(QueueName=name, Attributes=kind)["QueueUrl"]
        return url

    def take_all(self, url: str) -> list[dict[str, Any]]:
        """Take out everything that lies in a queue: the messages, with their system attributes."""
        found: list[dict[str, Any]] = []
        while messages := self._client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        ).get("Messages"):
            found += messages
            for each in messages:
                self._client.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return found


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sqs]:
    """Give a boto3 client; what it talks to is empty in each test, and never AWS."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield Sqs(boto3.client("sqs", region_name="us-east-1"))
