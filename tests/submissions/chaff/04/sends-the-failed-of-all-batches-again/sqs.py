"""Exercise 04: create a queue on Amazon SQS, send to it, consume from it, and handle only once."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any

Event = dict[str, Any]
log = logging.getLogger(__name__)


def create_queue(
    sqs: Any,
    name: str,
    *,
    visibility_timeout: int = 30,
    retention: int = 86400,
    max_receive_count: int = 3,
) -> str:
    """Create a queue and its dead-letter queue; return the queue's URL."""
    fifo = name.endswith(".fifo")
    kind = {"FifoQueue": "true"} if fifo else {}
    dead_name = name[: -len(".fifo")] + "-dead.fifo" if fifo else name + "-dead"
    dead_url = sqs.create_queue(QueueName=dead_name, Attributes=kind)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])
    policy = {
        "deadLetterTargetArn": found["Attributes"]["QueueArn"],
        "maxReceiveCount": max_receive_count,
    }
    attributes = {
        "VisibilityTimeout": str(visibility_timeout),
        "MessageRetentionPeriod": str(retention),
        "RedrivePolicy": json.dumps(policy),
        **kind,
    }
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def _entry(number: int, event: Event, fifo: bool) -> dict[str, Any]:
    """Build one entry of a batch."""
    entry: dict[str, Any] = {
        "Id": str(number),
        "MessageBody": json.dumps(dict(event)),
        "MessageAttributes": {"EventType": {"DataType": "String", "StringValue": "trip_start"}},
    }
    if fifo:
        entry["MessageGroupId"] = str(event["pickup_zone"]).replace(" ", "-")
        entry["MessageDeduplicationId"] = str(event["event_id"])
    return entry


def _send_all(sqs: Any, queue_url: str, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send entries ten at a time; return those that were reported as failed."""
    left = []
    for first in range(0, len(entries), 10):
        batch = entries[first : first + 10]
        answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=batch)
        failed = {each["Id"] for each in answer.get("Failed", [])}
        left += [entry for entry in batch if entry["Id"] in failed]
    return left


def send_events(sqs: Any, queue_url: str, events: Iterable[Event]) -> None:
    """Send events in batches of at most ten."""
    fifo = queue_url.endswith(".fifo")
    left = [_entry(number % 10, event, fifo) for number, event in enumerate(events)]
    for _ in range(4):
        left = _send_all(sqs, queue_url, left)
        if not left:
            return
    raise RuntimeError(f"{len(left)} entries failed again and again")


def _parse(body: str) -> Event | None:
    """Return the event of a message's body, or None for a bad one."""
    try:
        event = json.loads(body)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def sqs_consumer(
    sqs: Any,
    queue_url: str,
    handle: Callable[[Event], None],
    *,
    max_events: int,
    wait_seconds: int = 5,
    batch_size: int = 5,
    max_empty_receives: int = 5,
) -> int:
    """Receive events, handle each, and delete it when it was handled."""
    fifo = queue_url.endswith(".fifo")
    handled = empty = 0
    while handled < max_events and empty < max_empty_receives:
        answer = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=min(batch_size, max_events - handled),
            WaitTimeSeconds=wait_seconds,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        messages = answer.get("Messages", [])
        empty = 0 if messages else empty + 1
        blocked: set[str] = set()
        for message in messages:
            lane = message.get("Attributes", {}).get("MessageGroupId") if fifo else None
            if lane is not None and lane in blocked:
                continue
            event = _parse(message["Body"])
            if event is None:
                log.warning("bad message %s", message.get("MessageId"))
                continue
            try:
                handle(event)
            except Exception:
                log.exception("handle failed")
                if lane is not None:
                    blocked.add(lane)
                continue
            handled += 1
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return handled


def once(handle: Callable[[Event], None], seen: set[Any]) -> Callable[[Event], None]:
    """Make a handler that does not handle an event twice."""

    def guarded(event: Event) -> None:
        key = event["event_id"]
        if key in seen:
            return
        handle(event)
        seen.add(key)

    return guarded
