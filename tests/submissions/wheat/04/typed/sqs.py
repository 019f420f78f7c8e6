"""Types for everything: events are read-only mappings, messages are NamedTuples."""
from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Any, NamedTuple


class Limit(IntEnum):
    BATCH = 10
    TRIES = 4


class Count(int):
    def plus_one(self) -> Count:
        return Count(self + 1)


class Url(str):
    @property
    def is_fifo(self) -> bool:
        return self.endswith(".fifo")


class Message(NamedTuple):
    receipt: str
    event: Mapping[str, Any] | None
    group: str | None

    @classmethod
    def of(cls, raw: dict[str, Any]) -> Message:
        try:
            value = json.loads(raw["Body"], object_pairs_hook=OrderedDict)
        except ValueError:
            value = None
        event = MappingProxyType(value) if isinstance(value, OrderedDict) else None
        return cls(raw["ReceiptHandle"], event, raw.get("Attributes", {}).get("MessageGroupId"))


def create_queue(sqs, name: str, *, visibility_timeout: int = 30, retention: int = 86400, max_receive_count: int = 3) -> Url:
    kind: dict[str, str] = {}
    match name.rsplit(".", 1):
        case [stem, "fifo"]:
            kind["FifoQueue"], dead = "true", f"{stem}-dead.fifo"
        case _:
            dead = f"{name}-dead"
    dead_url = sqs.create_queue(QueueName=dead, Attributes={**kind, "MessageRetentionPeriod": "1209600"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": max_receive_count})
    return Url(sqs.create_queue(QueueName=name, Attributes={
        **kind, "RedrivePolicy": redrive, "VisibilityTimeout": str(visibility_timeout), "MessageRetentionPeriod": str(retention),
    })["QueueUrl"])


def send_events(sqs, queue_url: str, events: Iterable[Mapping[str, Any]]) -> None:
    batch: list[dict[str, Any]] = []
    for event in events:
        batch.append(entry(event, len(batch), Url(queue_url)))
        if len(batch) == Limit.BATCH:
            send(sqs, queue_url, batch)
            batch = []
    if batch:
        send(sqs, queue_url, batch)


def entry(event: Mapping[str, Any], number: int, url: Url) -> dict[str, Any]:
    made = {"Id": f"{number:02}", "MessageBody": json.dumps(dict(event)),
            "MessageAttributes": {"EventType": {"DataType": "String", "StringValue": "trip_start"}}}
    if url.is_fifo:
        made |= {"MessageGroupId": event["pickup_zone"].translate({32: "-"}), "MessageDeduplicationId": str(event["event_id"])}
    return made


def send(sqs, queue_url: str, batch: list[dict[str, Any]]) -> None:
    for _ in range(Limit.TRIES):
        answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=batch)
        taken = {each["Id"] for each in answer["Successful"]}
        if not (batch := [each for each in batch if each["Id"] not in taken]):
            return
    raise LookupError([each["Id"] for each in batch])


@dataclass
class Consumer:
    sqs: Any
    url: Url
    handle: Callable[[Mapping[str, Any]], None]
    wait_seconds: int
    patience: int
    count: Count = field(default_factory=Count)
    empty: int = 0

    def run(self, max_events: int, batch_size: int) -> Count:
        while self.count < max_events and self.empty < self.patience:
            broken: set[str | None] = set()
            for message in self.receive(min(batch_size, max_events - self.count)):
                if message.event is not None and message.group not in broken and not self.work(message):
                    broken |= {message.group} if self.url.is_fifo else set()
        return self.count

    def receive(self, number: int) -> Iterator[Message]:
        answer = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=number, WaitTimeSeconds=self.wait_seconds, AttributeNames=["MessageGroupId"])
        found = answer.get("Messages", [])
        self.empty = 0 if found else self.empty + 1
        return map(Message.of, found)

    def work(self, message: Message) -> bool:
        try:
            self.handle(message.event)
        except Exception:
            return False
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message.receipt)
        self.count = self.count.plus_one()
        return True


def sqs_consumer(sqs, queue_url: str, handle, *, max_events: int, wait_seconds: int = 5, batch_size: int = 5, max_empty_receives: int = 5) -> Count:
    return Consumer(sqs, Url(queue_url), handle, wait_seconds, max_empty_receives).run(max_events, batch_size)


@dataclass
class once:
    handle: Callable[[Mapping[str, Any]], None]
    seen: set

    def __call__(self, event: Mapping[str, Any]) -> None:
        if (number := event["event_id"]) not in self.seen:
            self.handle(MappingProxyType(event))
            self.seen.add(number)
