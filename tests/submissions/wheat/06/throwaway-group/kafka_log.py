"""Replays in a group of its own, pauses its partitions, raises inside the delivery report."""

import json
import uuid

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)


def publish_events(settings, topic, events):
    def report(error, message):
        if error is not None:
            raise KafkaException(error)

    producer = Producer({**settings, "acks": "all"})
    for event in events:
        value = json.dumps(event).encode()
        while True:
            try:
                producer.produce(topic, value, key=event["pickup_zone"].encode(), on_delivery=report)
                break
            except BufferError:
                producer.poll(0.1)
    left = producer.flush()
    if left:
        raise TimeoutError(f"not published: {left}")


def parse(value):
    try:
        event = json.loads(value or b"")
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def kafka_consumer(settings, topic, group, handle, *, max_events, ready=lambda: None):
    consumer = Consumer(
        {
            **settings,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    handled = 0
    try:
        consumer.subscribe([topic], on_assign=lambda *_: ready())
        while handled < max_events:
            message = consumer.poll(0.5)
            if message is None:
                continue
            if message.error():
                if message.error().fatal():
                    raise KafkaException(message.error())
                continue
            event = parse(message.value())
            if event is not None:
                consumer.pause(consumer.assignment())
                handle(event)
                consumer.resume(consumer.assignment())
                handled += 1
            try:
                consumer.commit(message=message, asynchronous=False)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.REBALANCE_IN_PROGRESS:
                    raise
    finally:
        consumer.close()
    return handled


def _reader(settings, group):
    return Consumer({**settings, "group.id": group, "enable.auto.commit": False})


def _partitions(consumer, topic):
    return sorted(consumer.list_topics(topic, timeout=10).topics[topic].partitions)


def replay(settings, topic, handle):
    group = f"replay-{uuid.uuid4()}"
    consumer = Consumer(
        {
            **settings,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    count = 0
    try:
        ends = {}
        for number in _partitions(consumer, topic):
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
            if high > low:
                ends[number] = high
        consumer.subscribe([topic])
        while ends:
            message = consumer.poll(1)
            if message is None or message.error() or message.partition() not in ends:
                continue
            event = parse(message.value())
            if event is not None:
                handle(event)
                count += 1
            if message.offset() + 1 >= ends[message.partition()]:
                del ends[message.partition()]
        return count
    finally:
        consumer.close()


def lag(settings, topic, group):
    consumer = _reader(settings, group)
    result = {}
    try:
        places = [TopicPartition(topic, number) for number in _partitions(consumer, topic)]
        for place in consumer.committed(places, timeout=10):
            low, high = consumer.get_watermark_offsets(place, timeout=10)
            result[place.partition] = high - (place.offset if place.offset >= 0 else low)
    finally:
        consumer.close()
    return result
