"""What a service in production looks like, cut down to four functions."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

LOG = logging.getLogger("taxi.kafka")


@dataclass
class Deliveries:
    sent: int = 0
    confirmed: int = 0
    refused: list[KafkaError] = field(default_factory=list)

    def __call__(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.confirmed += 1
        else:
            self.refused.append(error)

    def check(self) -> None:
        if self.refused:
            raise KafkaException(self.refused[0])
        if self.confirmed != self.sent:
            raise TimeoutError(
                f"{self.sent - self.confirmed} of {self.sent} events are unconfirmed"
            )


def publish_events(settings: dict[str, Any], topic: str, events: Iterable[dict[str, Any]]) -> None:
    deliveries = Deliveries()
    producer = Producer(
        {**settings, "enable.idempotence": True, "compression.type": "gzip", "error_cb": _on_error},
        logger=LOG,
    )
    try:
        for event in events:
            _produce(producer, topic, event, deliveries)
            deliveries.sent += 1
            if deliveries.refused:
                break
    finally:
        while len(producer):
            producer.flush(1.0)
    deliveries.check()


def _produce(
    producer: Producer, topic: str, event: dict[str, Any], report: Callable[..., None]
) -> None:
    value = json.dumps(event).encode()
    key = str(event["pickup_zone"]).encode()
    while True:
        try:
            producer.produce(
                topic, value=value, key=key, on_delivery=report, timestamp=int(time.time() * 1000)
            )
            producer.poll(0)
            return
        except BufferError:
            producer.poll(0.25)


def _on_error(error: KafkaError) -> None:
    LOG.warning("client: %s", error)


@contextmanager
def _consumer(settings: dict[str, Any], group: str, **more: Any) -> Iterator[Consumer]:
    consumer = Consumer(
        {
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "error_cb": _on_error,
            **more,
            **settings,
            "group.id": group,
        },
        logger=LOG,
    )
    try:
        yield consumer
    finally:
        consumer.close()


def _event(message: Message) -> dict[str, Any] | None:
    value = message.value()
    if value is None:
        return None
    try:
        event = json.loads(value)
    except (json.JSONDecodeError, UnicodeDecodeError):
        LOG.warning("bad message %s[%d]@%d", message.topic(), message.partition(), message.offset())
        return None
    return event if isinstance(event, dict) else None


def kafka_consumer(
    settings: dict[str, Any],
    topic: str,
    group: str,
    handle: Callable[[dict[str, Any]], None],
    *,
    max_events: int,
    ready: Callable[[], None] = lambda: None,
) -> int:
    handled = 0
    with _consumer(settings, group) as consumer:
        consumer.subscribe(
            [topic],
            on_assign=lambda *_: ready(),
            on_lost=lambda _, gone: LOG.warning("lost %s", gone),
        )
        while handled < max_events:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if error := message.error():
                if error.fatal():
                    raise KafkaException(error)
                LOG.info("transient: %s", error)
                continue
            event = _event(message)
            if event is not None:
                try:
                    handle(event)
                except BaseException:
                    consumer.seek(TopicPartition(topic, message.partition(), message.offset()))
                    raise
                handled += 1
            _commit(consumer, message)
    return handled


def _commit(consumer: Consumer, message: Message) -> None:
    """Commit; a refusal because of a rebalance means that the event comes again."""
    try:
        results = consumer.commit(message=message, asynchronous=False)
    except KafkaException as refused:
        if refused.args[0].code() in (
            KafkaError.REBALANCE_IN_PROGRESS,
            KafkaError.ILLEGAL_GENERATION,
        ):
            LOG.info("rebalance: %d/%d comes again", message.partition(), message.offset())
            return
        raise
    for result in results:
        if result.error is not None:
            raise KafkaException(result.error)


def replay(settings: dict[str, Any], topic: str, handle: Callable[[dict[str, Any]], None]) -> int:
    handled = 0
    with _consumer(settings, "replay-only") as consumer:
        ends: dict[int, int] = {}
        places = []
        for number in _partitions(consumer, topic):
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=30)
            ends[number] = high
            places.append(TopicPartition(topic, number, low))
        consumer.assign(places)
        while ends:
            for place in consumer.position([TopicPartition(topic, n) for n in ends]):
                start = next(p.offset for p in places if p.partition == place.partition)
                if max(place.offset, start) >= ends[place.partition]:
                    del ends[place.partition]
                    consumer.pause([TopicPartition(topic, place.partition)])
            if not ends:
                break
            message = consumer.poll(0.5)
            if message is None or message.error():
                continue
            if message.partition() not in ends or message.offset() >= ends[message.partition()]:
                continue
            event = _event(message)
            if event is not None:
                handle(event)
                handled += 1
    return handled


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    found = consumer.list_topics(topic, timeout=30).topics[topic]
    if found.error is not None:
        raise KafkaException(found.error)
    return sorted(found.partitions)


def lag(settings: dict[str, Any], topic: str, group: str) -> dict[int, int]:
    with _consumer(settings, group) as consumer:
        places = [TopicPartition(topic, number) for number in _partitions(consumer, topic)]
        result = {}
        for place in consumer.committed(places, timeout=30):
            low, high = consumer.get_watermark_offsets(place, timeout=30)
            result[place.partition] = high - (
                low if place.offset == OFFSET_INVALID else place.offset
            )
        return result
