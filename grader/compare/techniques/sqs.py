"""Amazon SQS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from grader.compare.place import Place
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
    short_poll: ClassVar[Mapping[str, object]] = {"wait_seconds": 0}
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

    def warm_up(self) -> None:
        """Make a client: the first one reads the service's description."""
        sqs_client("http://localhost")

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


def sqs_client(url: str) -> Any:
    """Return a boto3 client of the server at `url`."""
    import boto3  # noqa: PLC0415 - each client is imported where it is needed
    from botocore.config import Config  # noqa: PLC0415 - as above

    # A receive that is tried again would take messages twice.
    config = Config(retries={"total_max_attempts": 1})
    return boto3.client(
        "sqs",
        endpoint_url=url,
        config=config,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - of a server on loopback
    )
