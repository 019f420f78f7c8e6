"""Amazon SQS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from grader.compare.place import Place, sqs_client
from grader.compare.processes.counts import Count
from grader.compare.techniques.technique import Call, Handle, Opinions, Ready, Technique

if TYPE_CHECKING:
    from event_sinks.base import Sink

_VISIBILITY = 2
"""Seconds that a message which was received is hidden: short, so that a crash run is."""


class Sqs(Technique):
    """Exercise 04."""

    id: ClassVar[str] = "sqs"
    title: ClassVar[str] = "SQS"
    exercise: ClassVar[str] = "04"
    file: ClassVar[str] = "sqs.py"
    function: ClassVar[str] = "sqs_consumer"
    service: ClassVar[str | None] = "sqs"
    keeps: ClassVar[bool] = True
    burst: ClassVar[int] = 60
    grace: ClassVar[float] = _VISIBILITY + 1.0
    counts_requests: ClassVar[bool] = True
    machines: ClassVar[str] = "the provider"
    run: ClassVar[str] = "provider"
    opinions: ClassVar[Opinions] = Opinions(
        latency="low to medium",
        keeps="yes",
        reliability="at least once",
        consumers="built in: they share",
    )

    @staticmethod
    def bare(
        client: Any,
        queue_url: str,
        handle: Handle,
        *,
        max_events: int,
        wait_seconds: int,
        batch_size: int = 5,
        **_: Any,
    ) -> None:
        """Receive, handle, delete."""
        handled = 0
        while handled < max_events:
            answer = client.receive_message(
                QueueUrl=queue_url, MaxNumberOfMessages=batch_size, WaitTimeSeconds=wait_seconds
            )
            for message in answer.get("Messages", []):
                handle(json.loads(message["Body"]))
                client.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
                handled += 1

    def bind(self, function: Callable[..., object], place: Place, requests: Count) -> Call:
        """Pass a client whose calls are counted one by one."""
        client = sqs_client(place.url)
        client.meta.events.register("before-send.sqs", lambda **_: requests())
        queue_url = client.get_queue_url(QueueName=place.name)["QueueUrl"]

        def call(handle: Handle, ready: Ready, most: int) -> None:
            ready()
            function(
                client,
                queue_url,
                handle,
                max_events=most,
                wait_seconds=place.wait_seconds,
                max_empty_receives=10**9,
            )

        return call

    def sink(self, place: Place) -> Sink:
        """Send to the queue."""
        from event_sinks.sqs_sink import SqsSink  # noqa: PLC0415 - importable in a producer alone

        return SqsSink(place.url, "us-east-1", place.name)

    def make(self, place: Place) -> None:
        """Create the queue."""
        sqs_client(place.url).create_queue(
            QueueName=place.name, Attributes={"VisibilityTimeout": str(_VISIBILITY)}
        )

    def remove(self, place: Place) -> None:
        """Delete it."""
        client = sqs_client(place.url)
        client.delete_queue(QueueUrl=client.get_queue_url(QueueName=place.name)["QueueUrl"])

    def fill(self, place: Place, bodies: list[bytes]) -> Iterator[None]:
        """Send ten at a time; a request that was answered has arrived."""
        client = sqs_client(place.url)
        url = client.get_queue_url(QueueName=place.name)["QueueUrl"]
        for start in range(0, len(bodies), 10):
            part = bodies[start : start + 10]
            entries = [{"Id": str(n), "MessageBody": body.decode()} for n, body in enumerate(part)]
            client.send_message_batch(QueueUrl=url, Entries=entries)
        yield from ()
