"""Exercise 06: an asynchronous commit whose answer is waited for, and an AdminClient."""

import json
import threading

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec


def publish_events(settings, topic, events):
    producer = Producer(dict(settings))
    stop = threading.Event()
    failures = []

    def serve():
        while not stop.is_set():
            producer.poll(0.05)

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    try:
        for event in events:
            while True:
                try:
                    producer.produce(
                        topic,
                        json.dumps(event).encode(),
                        event["pickup_zone"].encode(),
                        on_delivery=lambda error, _: error and failures.append(error),
                    )
                    break
                except BufferError:
                    stop.wait(0.01)  # the other thread polls
        producer.flush()
    finally:
        stop.set()
        server.join()
    if failures:
        raise KafkaException(failures[0])


def kafka_consumer(settings, topic, group, handle, *, max_events, ready=lambda: None):
    answers = []

    def on_commit(error, partitions):
        answers.append(error or next((p.error for p in partitions if p.error), None))

    consumer = Consumer(
        {
            **settings,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "on_commit": on_commit,
        }
    )

    held = []

    def next_message():
        return held.pop(0) if held else consumer.poll(0.2)

    def commit(message):
        del answers[:]
        consumer.commit(message=message, asynchronous=True)
        while not answers:
            found = consumer.poll(0.01)
            if found is not None:
                held.append(found)
        if answers[0] is not None:
            raise KafkaException(answers[0])

    def forget(_, partitions):
        gone = {each.partition for each in partitions}
        held[:] = [m for m in held if m.error() or m.partition() not in gone]

    handled = 0
    consumer.subscribe([topic], on_assign=lambda *_: ready(), on_revoke=forget, on_lost=forget)
    try:
        while handled < max_events:
            message = next_message()
            if message is None:
                continue
            error = message.error()
            if error is not None:
                if error.fatal():
                    raise KafkaException(error)
                continue
            event = decode(message)
            if event is not None:
                handle(event)
                handled += 1
            commit(message)
    finally:
        consumer.close()
    return handled


def decode(message):
    raw = message.value()
    if not raw:
        return None
    try:
        event = json.loads(raw)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def replay(settings, topic, handle):
    consumer = Consumer(
        {**settings, "group.id": "unused", "enable.auto.commit": False, "enable.partition.eof": True}
    )
    handled = 0
    try:
        found = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in found])
        ended = set()
        while len(ended) < len(found):
            for message in consumer.consume(200, timeout=0.2):
                if message.error() is None:
                    event = decode(message)
                    if event is not None:
                        handle(event)
                        handled += 1
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    ended.add(message.partition())
    finally:
        consumer.close()
    return handled


def lag(settings, topic, group):
    admin = AdminClient(settings)
    numbers = admin.list_topics(topic, timeout=10).topics[topic].partitions
    places = [TopicPartition(topic, number) for number in numbers]
    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group, places)])
    known = {p.partition: p.offset for p in asked[group].result().topic_partitions}
    starts = admin.list_offsets({place: OffsetSpec.earliest() for place in places})
    ends = admin.list_offsets({place: OffsetSpec.latest() for place in places})
    result = {}
    for place, end in ends.items():
        offset = known.get(place.partition, -1)
        if offset < 0:
            offset = next(f.result().offset for p, f in starts.items() if p.partition == place.partition)
        result[place.partition] = end.result().offset - offset
    return result
