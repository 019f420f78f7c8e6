"""What the tests of exercise 04 share: the service, a queue, and the consumer on it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from grader.services.sqs import SqsService
from grader.suite import HANDLE, Consumer, New, Process, Run


@pytest.fixture
def sqs(service: Callable[[str], Any], consumer: Consumer) -> SqsService:
    """The service; nothing recorded yet, nothing set to go wrong."""
    found: SqsService = service("sqs")
    found.clear_requests()
    found.fail_batch_entries(None)
    found.empty_receives()
    return found


class Queue:
    """A queue of the suite's own, with a dead-letter queue behind it."""

    def __init__(
        self, sqs: SqsService, consumer: Consumer, name: str, max_receive_count: int, *, fifo: bool
    ) -> None:
        self._sqs = sqs
        self._log = consumer.log
        self.client = sqs.client()
        kind = {"FifoQueue": "true"} if fifo else {}
        end = ".fifo" if fifo else ""
        self.dead = self.client.create_queue(QueueName=f"{name}-dead{end}", Attributes=kind)[
            "QueueUrl"
        ]
        found = self.client.get_queue_attributes(QueueUrl=self.dead, AttributeNames=["QueueArn"])
        policy = {
            "deadLetterTargetArn": found["Attributes"]["QueueArn"],
            "maxReceiveCount": max_receive_count,
        }
        self.client.create_queue(
            QueueName=name + end,
            Attributes={"VisibilityTimeout": "30", "RedrivePolicy": json.dumps(policy), **kind},
        )
        self.url = sqs.queue_url(name + end)

    def put(self, *bodies: dict[str, Any] | str) -> None:
        """Put events, or bodies as they are, into the queue."""
        self._log.add("suite", f"puts {len(bodies)} messages into the queue")
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            self.client.send_message(QueueUrl=self.url, MessageBody=text)

    @property
    def depth(self) -> tuple[int, int]:
        """Visible messages, and messages in flight."""
        return self._sqs.depth(self.url)

    @property
    def dead_letters(self) -> list[Any]:
        """The bodies in the dead-letter queue."""
        found: list[Any] = []
        while messages := self.client.receive_message(
            QueueUrl=self.dead, MaxNumberOfMessages=10, VisibilityTimeout=3600
        ).get("Messages"):
            found += [message["Body"] for message in messages]
        return found


@pytest.fixture
def new_queue(sqs: SqsService, consumer: Consumer, rng: random.Random) -> Callable[..., Queue]:
    """`new_queue()`: a queue of a random name; a message is dead after so many receives."""

    def make(max_receive_count: int = 50, *, fifo: bool = False) -> Queue:
        name = f"trips-{rng.randrange(16**8):08x}"
        return Queue(sqs, consumer, name, max_receive_count, fifo=fifo)

    return make


@pytest.fixture
def queue(new_queue: Callable[..., Queue]) -> Queue:
    """The queue of this test."""
    return new_queue()


@pytest.fixture
def start(sqs: SqsService) -> Callable[..., Run]:
    """`start(consumer_or_process, queue, ...)` begins a call of sqs_consumer."""

    def begin(where: Consumer | Process, queue: Queue, handle: Any = HANDLE, **kwargs: Any) -> Run:
        client = New("boto3.client", "sqs", **sqs.consumer_arguments)
        return where.start("sqs.sqs_consumer", client, queue.url, handle, **kwargs)

    return begin
