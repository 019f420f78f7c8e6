"""Exercise 06, with objects."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka import OFFSET_BEGINNING as FIRST

log = logging.getLogger(__name__)


@dataclass
class Receipt:
    failures: list = field(default_factory=list)
    confirmed: int = 0

    def __call__(self, error, message):
        if error is None:
            self.confirmed += 1
        else:
            self.failures.append(error)


class Publisher:
    def __init__(self, settings, topic):
        self.producer = Producer({**settings, "request.required.acks": -1})
        self.topic = topic
        self.receipt = Receipt()

    def __enter__(self):
        return self

    def publish(self, event):
        value = json.dumps(event).encode()
        key = event["pickup_zone"].encode()
        sent = False
        while not sent:
            try:
                self.producer.produce(self.topic, value=value, key=key, callback=self.receipt)
                sent = True
            except BufferError:
                log.debug("the queue is full")
            self.producer.poll(0 if sent else 0.2)

    def __exit__(self, kind, error, trace):
        left = self.producer.flush()
        if error is None and (left or self.receipt.failures):
            raise KafkaException(*self.receipt.failures[:1])


class Member:
    """A member of a group, for as long as the block lasts."""

    def __init__(self, settings, topic, group, ready):
        self.topic, self.ready, self.owned = topic, ready, set()
        self.consumer = Consumer(
            {**settings, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        )

    def __enter__(self):
        self.consumer.subscribe(
            [self.topic], on_assign=self.assigned, on_revoke=self.revoked, on_lost=self.lost
        )
        return self

    def assigned(self, consumer, partitions):
        self.owned |= {each.partition for each in partitions}
        consumer.assign(partitions)
        self.ready()

    def revoked(self, consumer, partitions):
        self.owned -= {each.partition for each in partitions}
        consumer.unassign()

    def lost(self, consumer, partitions):
        log.warning("lost %s", partitions)
        self.owned.clear()
        consumer.unassign()

    def next_message(self):
        while True:
            message = self.consumer.poll(0.4)
            if message is None:
                continue
            if message.error() is None:
                return message
            if message.error().fatal():
                raise KafkaException(message.error())
            log.info("goes on after %s", message.error())

    def done_with(self, message):
        place = TopicPartition(message.topic(), message.partition(), message.offset() + 1)
        for each in self.consumer.commit(offsets=[place], asynchronous=False):
            if each.error is not None:
                raise KafkaException(each.error)

    def __exit__(self, *_):
        self.consumer.close()


class Event(dict):
    @classmethod
    def read(cls, data):
        try:
            found = json.loads(data)
        except (TypeError, ValueError):
            return None
        return cls(found) if isinstance(found, dict) else None


def publish_events(settings, topic, events):
    with Publisher(settings, topic) as publisher:
        for event in events:
            publisher.publish(event)


def kafka_consumer(settings, topic, group, handle, *, max_events, ready=lambda: None):
    handled = 0
    with Member(settings, topic, group, ready) as member:
        while handled < max_events:
            message = member.next_message()
            event = Event.read(message.value())
            if event is not None:
                handle(dict(event))
                handled += 1
            member.done_with(message)
    return handled


class Reader:
    """Reads a topic to its present end, beside all groups."""

    def __init__(self, settings, topic, group="reader"):
        self.topic = topic
        self.consumer = Consumer({**settings, "group.id": group, "enable.auto.commit": False})

    def __enter__(self):
        self.numbers = list(self.consumer.list_topics(self.topic, timeout=15).topics[self.topic].partitions)
        return self

    def bounds(self):
        for number in self.numbers:
            place = TopicPartition(self.topic, number)
            yield number, self.consumer.get_watermark_offsets(place, timeout=15)

    def messages(self):
        remaining = {number: range(low, high) for number, (low, high) in self.bounds() if low < high}
        self.consumer.assign([TopicPartition(self.topic, number, FIRST) for number in remaining])
        while remaining:
            message = self.consumer.poll(0.4)
            if message is None or message.error():
                continue
            offsets = remaining.get(message.partition(), ())
            if message.offset() in offsets:
                yield message
                if message.offset() == offsets[-1]:
                    del remaining[message.partition()]

    def __exit__(self, *_):
        self.consumer.close()


def replay(settings, topic, handle):
    handled = 0
    with Reader(settings, topic) as reader:
        for message in reader.messages():
            event = Event.read(message.value())
            if event is not None:
                handle(dict(event))
                handled += 1
    return handled


def lag(settings, topic, group):
    with Reader(settings, topic, group) as reader:
        places = [TopicPartition(topic, number) for number in reader.numbers]
        known = {each.partition: each.offset for each in reader.consumer.committed(places, timeout=15)}
        return {
            number: high - known[number] if known[number] >= 0 else high - low
            for number, (low, high) in reader.bounds()
        }
