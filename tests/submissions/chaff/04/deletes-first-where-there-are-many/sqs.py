"""Exercise 04, solved: create, send, consume and deduplicate on Amazon SQS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

Event = dict[str, Any]

MANY = 100  # events; so many are to be fast
BATCH = 10  # the most that one request takes
ATTEMPTS = 3


def create_queue(
    sqs: SQSClient,
    name: str,
    *,
    visibility_timeout: int = 30,
    retention: int = 86400,
    max_receive_count: int = 3,
) -> str:
    """Create `name` and its dead-letter queue, and return its URL."""
    fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    dead = f"{name.removesuffix('.fifo')}-dead{'.fifo' if fifo else ''}"
    dead_url = sqs.create_queue(QueueName=dead, Attributes=fifo)["QueueUrl"]  # type: ignore[arg-type]
    found = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])
    redrive = {
        "deadLetterTargetArn": found["Attributes"]["QueueArn"],
        "maxReceiveCount": max_receive_count,
    }
    attributes = {
        "VisibilityTimeout": str(visibility_timeout),
        "MessageRetentionPeriod": str(retention),
        "RedrivePolicy": json.dumps(redrive),
        **fifo,
    }
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]


def send_events(sqs: SQSClient, queue_url: str, events: Iterable[Event]) -> None:
    """Send events in batches, and what a batch reports as failed again."""
    fifo = queue_url.endswith(".fifo")
    rest = iter(events)
    while batch := list(islice(rest, BATCH)):
        entries = {str(number): _entry(event, fifo=fifo) for number, event in enumerate(batch)}
        for _ in range(ATTEMPTS):
            if not entries:
                break
            asked = [{"Id": key, **entry} for key, entry in entries.items()]
            answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=asked)  # type: ignore[arg-type]
            entries = {failed["Id"]: entries[failed["Id"]] for failed in answer.get("Failed", [])}
        if entries:
            raise RuntimeError(f"{len(entries)} events could not be sent in {ATTEMPTS} attempts")


def sqs_consumer(
    sqs: SQSClient,
    queue_url: str,
    handle: Callable[[Event], None],
    *,
    max_events: int,
    wait_seconds: int = 5,
    batch_size: int = 5,
    max_empty_receives: int = 5,
) -> int:
    """Handle events, delete each when it was handled, and return how many that were."""
    fifo = queue_url.endswith(".fifo")
    handled = empty = 0
    while handled < max_events and empty < max_empty_receives:
        answer = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=min(batch_size, max_events - handled),
            WaitTimeSeconds=wait_seconds,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["MessageGroupId"],
        )
        messages = answer.get("Messages", [])
        empty = 0 if messages else empty + 1
        failed = set()
        for message in messages:
            group = message.get("Attributes", {}).get("MessageGroupId")
            event = _event(message["Body"])
            if event is None or (fifo and group in failed):
                continue
            at_once = max_events >= MANY
            if at_once:
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            try:
                handle(event)
            except Exception:  # noqa: BLE001 - left alone, it comes back after the time-out
                failed.add(group)
                continue
            if not at_once:
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            handled += 1
    return handled


def once(handle: Callable[[Event], None], seen: set[Any]) -> Callable[[Event], None]:
    """`handle`, but not again for an event_id in `seen`."""

    def handle_once(event: Event) -> None:
        if event["event_id"] not in seen:
            handle(event)
            seen.add(event["event_id"])

    return handle_once


def _entry(event: Event, *, fifo: bool) -> dict[str, Any]:
    kind = {"DataType": "String", "StringValue": "trip_start"}
    entry: dict[str, Any] = {
        "MessageBody": json.dumps(event),
        "MessageAttributes": {"EventType": kind},
    }
    if fifo:
        entry["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
        entry["MessageDeduplicationId"] = str(event["event_id"])
    return entry


def _event(body: str) -> Event | None:
    try:
        event = json.loads(body)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
