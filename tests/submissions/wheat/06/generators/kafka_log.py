"""Exercise 06, generators from end to end."""

import contextlib
import itertools
import json

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition


@contextlib.contextmanager
def consumer_of(settings, **more):
    consumer = Consumer({**settings, **{key.replace("_", "."): value for key, value in more.items()}})
    try:
        yield consumer
    finally:
        consumer.close()


def publish_events(settings, topic, events):
    producer = Producer(settings)
    problems = []
    note = lambda error, _: problems.append(error) if error else None
    for event in events:
        for wait in itertools.chain([0], itertools.repeat(0.1)):
            producer.poll(wait)
            with contextlib.suppress(BufferError):
                producer.produce(topic, json.dumps(event), event["pickup_zone"], on_delivery=note)
                break
    producer.flush()
    for problem in problems:
        raise KafkaException(problem)


def polled(consumer):
    while True:
        message = consumer.poll(0.25)
        if message is None:
            continue
        if not message.error():
            yield message
        elif message.error().fatal():
            raise KafkaException(message.error())


def committed(consumer, messages):
    """Yield each message, and commit it when the loop comes back for the next."""
    for message in messages:
        yield message
        consumer.commit(message, asynchronous=False)


def kafka_consumer(settings, topic, group, handle, *, max_events, ready=lambda: None):
    with consumer_of(
        settings, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest"
    ) as consumer:
        consumer.subscribe([topic], on_assign=lambda *_: ready())
        if max_events < 1:
            return 0
        handled = 0
        for message in committed(consumer, polled(consumer)):
            if handled == max_events:
                break
            for event in parsed(message):
                handle(event)
                handled += 1
            if handled == max_events:
                consumer.commit(message, asynchronous=False)
                break
        return handled


def parsed(message):
    try:
        event = json.loads(message.value() or b"null")
    except ValueError:
        return []
    return [event] if isinstance(event, dict) else []


def replay(settings, topic, handle):
    with consumer_of(settings, group_id="replay", enable_auto_commit=False) as consumer:
        handled = 0
        for message in all_of(consumer, topic):
            for event in parsed(message):
                handle(event)
                handled += 1
        return handled


def all_of(consumer, topic):
    for number in consumer.list_topics(topic, timeout=20).topics[topic].partitions:
        first, end = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=20)
        if first == end:
            continue
        consumer.assign([TopicPartition(topic, number, first)])
        for message in polled(consumer):
            yield message
            if message.offset() >= end - 1:
                break


def lag(settings, topic, group):
    with consumer_of(settings, group_id=group) as consumer:
        def of(number):
            place = TopicPartition(topic, number)
            first, end = consumer.get_watermark_offsets(place, timeout=20)
            offset = consumer.committed([place], timeout=20)[0].offset
            return end - (first if offset < 0 else offset)

        return {number: of(number) for number in consumer.list_topics(topic, timeout=20).topics[topic].partitions}
