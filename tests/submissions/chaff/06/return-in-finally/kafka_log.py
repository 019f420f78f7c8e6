"""Exercise 06: a Consumer of our own, by inheritance, and futures for what is published."""

from __future__ import annotations

import json
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

QUIET = 0.5
PATIENCE = 30


class Member(Consumer):
    """A consumer that is a context manager, and gives messages without errors."""

    def __init__(self, settings, group, **more):
        super().__init__(
            {
                **settings,
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                **more,
            }
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def messages(self):
        """Messages and ends of partitions, for ever."""
        while True:
            message = self.poll(QUIET)
            if message is None:
                continue
            error = message.error()
            if error is None or error.code() == KafkaError._PARTITION_EOF:
                yield message
            elif error.fatal():
                raise KafkaException(error)

    def places(self, topic):
        found = self.list_topics(topic, timeout=PATIENCE).topics[topic].partitions
        return [TopicPartition(topic, number, OFFSET_BEGINNING) for number in found]

    def done(self, message):
        try:
            self.commit(message=message, asynchronous=False)
        except KafkaException as refusal:
            if refusal.args[0].code() != KafkaError.REBALANCE_IN_PROGRESS:
                raise


class Letter(Future):
    """What becomes of one event."""

    def report(self, error, message):
        if error is None:
            self.set_result(message.offset())
        else:
            self.set_exception(KafkaException(error))


class Office:
    def __init__(self, settings, topic):
        self.topic = topic
        self.producer = Producer(dict(settings))
        self.letters = []

    def post(self, event):
        letter = Letter()
        self.letters.append(letter)
        send = partial(
            self.producer.produce,
            self.topic,
            json.dumps(event).encode(),
            event["pickup_zone"].encode(),
            on_delivery=letter.report,
        )
        while True:
            try:
                send()
            except BufferError:
                self.producer.poll(QUIET)
            else:
                break
        self.producer.poll(0)

    def close(self):
        self.producer.flush()
        for letter in self.letters:
            letter.result(timeout=0)


def parse(message):
    try:
        value = json.loads(message.value() or b"")
    except ValueError:
        value = None
    return value if isinstance(value, dict) else None


def publish_events(settings, topic, events):
    office = Office(settings, topic)
    try:
        for event in events:
            office.post(event)
    finally:
        return office.close()


def kafka_consumer(settings, topic, group, handle, *, max_events, ready=lambda: None):
    with ExitStack() as stack:
        member = stack.enter_context(Member(settings, group))
        member.subscribe([topic], on_assign=lambda _, places: ready())
        handled = 0
        for message in member.messages():
            if message.error():
                continue
            event = parse(message)
            if event is not None:
                handle(event)
                handled += 1
            member.done(message)
            if handled >= max_events:
                break
        return handled


def replay(settings, topic, handle):
    handled = 0
    with Member(settings, "onlooker", **{"enable.partition.eof": True}) as member:
        places = member.places(topic)
        ends = {}
        for place in places:
            first, end = member.get_watermark_offsets(place, timeout=PATIENCE)
            if end > first:
                ends[place.partition] = end
        member.assign([place for place in places if place.partition in ends])
        if not ends:
            return 0
        for message in member.messages():
            number = message.partition()
            if number in ends and not message.error() and message.offset() < ends[number]:
                event = parse(message)
                if event is not None:
                    handle(event)
                    handled += 1
            if message.error() or message.offset() + 1 >= ends.get(number, 0):
                ends.pop(number, None)
            if not ends:
                break
    return handled


def lag(settings, topic, group):
    with Member(settings, group) as member:
        places = member.places(topic)
        committed = {each.partition: each.offset for each in member.committed(places, timeout=PATIENCE)}
        found = {}
        for place in places:
            first, end = member.get_watermark_offsets(place, timeout=PATIENCE)
            offset = committed[place.partition]
            found[place.partition] = end - (first if offset < 0 else offset)
        return found
