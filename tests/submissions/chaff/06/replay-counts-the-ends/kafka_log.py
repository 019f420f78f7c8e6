"""Exercise 06: publish to a partitioned log, consume it as a group, replay it, measure the lag."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)

Event = dict[str, Any]
Settings = dict[str, Any]
log = logging.getLogger(__name__)


def _parse(value: bytes | None) -> Event | None:
    """Return the event of a message's value, or None for a bad one."""
    try:
        event = json.loads((value or b"").decode())
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def publish_events(settings: Settings, topic: str, events: Iterable[Event]) -> None:
    """Publish events to a topic, and return when the broker has all of them."""
    errors: list[KafkaError] = []

    def report(error: KafkaError | None, _message: Any) -> None:
        if error is not None:
            errors.append(error)

    producer = Producer({**settings, "acks": "all", "enable.idempotence": True})
    for event in events:
        value, key = json.dumps(dict(event)), str(event["pickup_zone"])
        while True:
            try:
                producer.produce(topic, value, key=key, on_delivery=report)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    while producer.flush(10):
        log.info("%d messages are on their way", len(producer))
    if errors:
        raise KafkaException(errors[0])


def _committed(consumer: Consumer, message: Any) -> bool:
    """Commit a message; False where the group is rebalancing, so that it comes again."""
    try:
        consumer.commit(message=message, asynchronous=False)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.REBALANCE_IN_PROGRESS:
            raise
        return False
    return True


def kafka_consumer(
    settings: Settings,
    topic: str,
    group: str,
    handle: Callable[[Event], None],
    *,
    max_events: int,
    ready: Callable[[], None] = lambda: None,
) -> int:
    """Handle a topic's events as a member of a group, and commit each when it is handled."""
    consumer = Consumer(
        {
            **settings,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )

    def assigned(_consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if partitions:
            ready()

    handled = 0
    try:
        consumer.subscribe([topic], on_assign=assigned)
        while handled < max_events:
            message = consumer.poll(0.5)
            if message is None:
                continue
            if error := message.error():
                if error.fatal():
                    raise KafkaException(error)
                log.warning("%s", error)
                continue
            event = _parse(message.value())
            if event is not None:
                handle(event)
                handled += 1
            _committed(consumer, message)
    finally:
        consumer.close()
    return handled


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    """Return the numbers of a topic's partitions."""
    found = consumer.list_topics(topic, timeout=30).topics[topic]
    if found.error is not None:
        raise KafkaException(found.error)
    return sorted(found.partitions)


def _ends(consumer: Consumer, topic: str) -> dict[int, tuple[int, int]]:
    """Return the first offset and the end of each partition."""
    return {
        number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=30)
        for number in _partitions(consumer, topic)
    }


def replay(settings: Settings, topic: str, handle: Callable[[Event], None]) -> int:
    """Handle all events that a topic holds when it is called, from the first one on."""
    consumer = Consumer(
        {
            **settings,
            "group.id": f"replay-{uuid.uuid4()}",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    handled = seen = 0
    try:
        numbers = _partitions(consumer, topic)
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in numbers])
        while seen < len(numbers):
            message = consumer.poll(0.5)
            if message is None:
                continue
            if error := message.error():
                if error.code() == KafkaError._PARTITION_EOF:
                    seen += 1
                elif error.fatal():
                    raise KafkaException(error)
                continue
            event = _parse(message.value())
            if event is not None:
                handle(event)
                handled += 1
    finally:
        consumer.close()
    return handled


def lag(settings: Settings, topic: str, group: str) -> dict[int, int]:
    """Count, for each partition, the messages that a group has not committed."""
    consumer = Consumer({**settings, "group.id": group, "enable.auto.commit": False})
    try:
        ends = _ends(consumer, topic)
        places = [TopicPartition(topic, number) for number in ends]
        counts = {}
        for place in consumer.committed(places, timeout=30):
            if place.error is not None:
                raise KafkaException(place.error)
            first, end = ends[place.partition]
            counts[place.partition] = end - (place.offset if place.offset >= 0 else first)
        return counts
    finally:
        consumer.close()
