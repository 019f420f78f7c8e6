"""Exercise 06: fetches ahead into a list of its own, and drops what is taken away."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

Event = dict[str, Any]
Settings = dict[str, Any]

_PATIENCE = 30.0  # seconds: how long an answer of the brokers may take
_POLL = 1.0  # seconds: how long one poll waits; Ctrl-C is noticed after it


def publish_events(settings: Settings, topic: str, events: Iterable[Event]) -> None:
    """Publish events, keyed by zone, and return when the broker has all of them."""
    refused: list[KafkaError] = []

    def report(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            refused.append(error)

    producer = Producer({**settings, "acks": "all"})
    for event in events:
        value, key = json.dumps(event).encode(), event["pickup_zone"].encode()
        while True:
            try:
                producer.produce(topic, value, key, on_delivery=report)
                break
            except BufferError:  # the queue in this process is full: let some be delivered
                producer.poll(_POLL)
        producer.poll(0)  # calls report() for what was delivered meanwhile
    producer.flush()  # until each is delivered or given up, by the settings' message.timeout.ms
    if refused:
        raise KafkaException(refused[0])


def kafka_consumer(
    settings: Settings,
    topic: str,
    group: str,
    handle: Callable[[Event], None],
    *,
    max_events: int,
    ready: Callable[[], None] = lambda: None,
) -> int:
    """Handle events as a member of a group, commit after each, and return how many it were."""
    consumer = Consumer(
        {
            **settings,
            "group.id": group,
            "enable.auto.commit": False,  # it would commit what poll() gave, handled or not
            "auto.offset.reset": "earliest",
        }
    )
    handled = 0
    ahead: deque[Message] = deque()

    def revoked(_: Consumer, places: list[TopicPartition]) -> None:
        gone = {place.partition for place in places}
        kept = [message for message in ahead if message.partition() not in gone]
        ahead.clear()
        ahead.extend(kept)

    try:
        consumer.subscribe([topic], on_assign=lambda *_: ready(), on_revoke=revoked, on_lost=revoked)
        while handled < max_events:
            # Something to do while the next ones come.
            ahead.extend(consumer.consume(100, 0.01 if ahead else 0.1))
            if not ahead:
                continue
            message = ahead.popleft()
            if error := message.error():
                if error.fatal():
                    raise KafkaException(error)
                continue  # the client tries again by itself
            event = _event(message)
            if event is not None:
                handle(event)
                handled += 1
            _commit(consumer, message)
    finally:
        consumer.close()
    return handled


def replay(settings: Settings, topic: str, handle: Callable[[Event], None]) -> int:
    """Handle what the topic holds now, and return how many events it were."""
    # A consumer cannot be made without a group's name. It joins no group: it assigns by itself.
    consumer = _onlooker({**settings, "enable.partition.eof": True}, "replay")
    handled = 0
    try:
        for message in _held_now(consumer, _partitions(consumer, topic)):
            event = _event(message)
            if event is not None:
                handle(event)
                handled += 1
    finally:
        consumer.close()
    return handled


def lag(settings: Settings, topic: str, group: str) -> dict[int, int]:
    """Count for each partition what the group has not committed."""
    consumer = _onlooker(settings, group)
    try:
        behind = {}
        for place in consumer.committed(_partitions(consumer, topic), timeout=_PATIENCE):
            first, end = consumer.get_watermark_offsets(place, timeout=_PATIENCE)
            behind[place.partition] = end - (place.offset if place.offset >= 0 else first)
        return behind
    finally:
        consumer.close()


def _commit(consumer: Consumer, message: Message) -> None:
    """Commit the offset after a message, and raise where this member is in the group no longer."""
    try:
        # Asynchronously, nobody would hear of a refusal.
        consumer.commit(message=message, asynchronous=False)
    except KafkaException as error:
        # A rebalance is no end: whoever is given the partition now begins at this message.
        if error.args[0].code() != KafkaError.REBALANCE_IN_PROGRESS:
            raise


def _onlooker(settings: Settings, group: str) -> Consumer:
    """Return a consumer that subscribes to nothing, so that it joins no group."""
    return Consumer({**settings, "group.id": group, "enable.auto.commit": False})


def _partitions(consumer: Consumer, topic: str) -> list[TopicPartition]:
    found = consumer.list_topics(topic, timeout=_PATIENCE).topics[topic]
    return [TopicPartition(topic, number) for number in found.partitions]


def _held_now(consumer: Consumer, partitions: list[TopicPartition]) -> Iterator[Message]:
    """Yield each message up to the ends that the partitions have at the first call."""
    ends = {}
    for partition in partitions:
        first, end = consumer.get_watermark_offsets(partition, timeout=_PATIENCE)
        if first < end:
            ends[partition.partition] = end
            partition.offset = OFFSET_BEGINNING
    consumer.assign([each for each in partitions if each.partition in ends])
    while ends:
        message: Any = consumer.poll(_POLL)
        if message is None:
            continue
        number, error = message.partition(), message.error()
        if error and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
            if error.fatal():
                raise KafkaException(error)
            continue
        if not error and message.offset() < ends.get(number, 0):
            yield message
        # At the end of the log, too: the last message before it may have been removed.
        if error or message.offset() + 1 >= ends.get(number, 0):
            ends.pop(number, None)


def _event(message: Message) -> Event | None:
    try:
        event = json.loads(message.value() or b"")
    except ValueError:  # broken JSON, and bytes that are not UTF-8
        return None
    return event if isinstance(event, dict) else None
