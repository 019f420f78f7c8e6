"""Exercise 06 with the library's own serialisers."""

import functools
import json

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    DeserializingConsumer,
    KafkaException,
    SerializingProducer,
    TopicPartition,
)
from confluent_kafka.error import ConsumeError, ValueDeserializationError
from confluent_kafka.serialization import StringSerializer


def to_bytes(event, context):
    return json.dumps(event).encode()


def to_event(data, context):
    if data is None:
        raise ValueError("no value")
    event = json.loads(data)
    if not isinstance(event, dict):
        raise ValueError("no object")
    return event


def publish_events(settings, topic, events):
    producer = SerializingProducer(
        {**settings, "key.serializer": StringSerializer("utf_8"), "value.serializer": to_bytes}
    )
    errors = []

    def report(error, message):
        if error:
            errors.append(error)

    for event in events:
        send = functools.partial(producer.produce, topic, event["pickup_zone"], event, on_delivery=report)
        while True:
            try:
                send()
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0.0)
    producer.flush()
    if errors:
        raise KafkaException(errors[0])


def kafka_consumer(settings, topic, group, handle, *, max_events, ready=lambda: None):
    consumer = DeserializingConsumer(
        {
            **settings,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "value.deserializer": to_event,
        }
    )
    try:
        consumer.subscribe([topic], on_assign=lambda *_: ready())
        handled = 0
        while handled < max_events:
            try:
                message = consumer.poll(0.5)
            except ValueDeserializationError as bad:
                consumer.commit(message=bad.kafka_message, asynchronous=False)
                continue
            except ConsumeError as problem:
                if problem.args[0].fatal():
                    raise
                continue
            if message is not None:
                handle(message.value())
                handled += 1
                consumer.commit(message=message, asynchronous=False)
        return handled
    finally:
        consumer.close()


def replay(settings, topic, handle):
    consumer = Consumer({**settings, "group.id": "replay", "enable.auto.commit": False})
    handled = 0
    try:
        for number in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
            _, end = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
            consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING)])
            while end > 0:
                message = consumer.poll(0.5)
                if message is not None and not message.error():
                    try:
                        event = to_event(message.value(), None)
                    except ValueError:
                        pass
                    else:
                        handle(event)
                        handled += 1
                (here,) = consumer.position([TopicPartition(topic, number)])
                if here.offset >= end or end == first(consumer, topic, number):
                    break
    finally:
        consumer.close()
    return handled


def first(consumer, topic, number):
    return consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10, cached=False)[0]


def lag(settings, topic, group):
    consumer = Consumer({**settings, "group.id": group, "enable.auto.commit": False})
    try:
        numbers = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        return {number: behind(consumer, TopicPartition(topic, number)) for number in numbers}
    finally:
        consumer.close()


def behind(consumer, place):
    begin, end = consumer.get_watermark_offsets(place, timeout=10)
    offset = consumer.committed([place], timeout=10)[0].offset
    return end - (offset if offset >= 0 else begin)
