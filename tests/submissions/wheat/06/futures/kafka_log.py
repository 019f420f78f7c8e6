"""Exercise 06 with futures, and offsets that are stored before they are committed."""

import json
import time
from concurrent.futures import Future

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition


def publish_events(settings, topic, events):
    producer = Producer({**settings, "acks": -1, "linger.ms": 5})
    futures = []
    for event in events:
        future = Future()

        def settle(error, message, future=future):
            if error is None:
                future.set_result(message.offset())
            else:
                future.set_exception(KafkaException(error))

        while not enqueue(producer, topic, event, settle):
            producer.poll(0.05)
        futures.append(future)
    while not all(future.done() for future in futures):
        producer.poll(0.1)
    for future in futures:
        future.result(timeout=0)


def enqueue(producer, topic, event, settle):
    try:
        producer.produce(
            topic,
            key=event["pickup_zone"].encode("utf-8"),
            value=json.dumps(event, ensure_ascii=False).encode("utf-8"),
            timestamp=int(time.time() * 1000),
            on_delivery=settle,
        )
    except BufferError:
        return False
    return True


def kafka_consumer(settings, topic, group, handle, *, max_events, ready=lambda: None):
    mine = {
        "group.id": group,
        "auto.offset.reset": "beginning",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
    }
    consumer = Consumer({**settings, **mine})
    try:
        consumer.subscribe([topic], on_assign=lambda *_: ready())
        handled = 0
        while handled != max_events:
            message = consumer.poll(0.3)
            if message is None or message.error() is not None:
                if message is not None and message.error().fatal():
                    raise KafkaException(message.error())
                continue
            try:
                event = json.loads(message.value() or "")
            except ValueError:
                event = None
            if type(event) is dict:
                handle(event)
                handled += 1
            consumer.store_offsets(message)
            consumer.commit(asynchronous=False)
        return handled
    finally:
        consumer.close()


def replay(settings, topic, handle):
    consumer = Consumer(
        {
            **settings,
            "group.id": "replay",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
        }
    )
    try:
        numbers = set(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in numbers])
        handled = 0
        while numbers:
            message = consumer.poll(0.3)
            if message is None:
                continue
            if message.error():
                if message.error().code() == KafkaError._PARTITION_EOF:
                    numbers.discard(message.partition())
                continue
            if message.partition() not in numbers:
                continue
            try:
                event = json.loads(message.value() or "")
            except ValueError:
                continue
            if type(event) is dict:
                handle(event)
                handled += 1
        return handled
    finally:
        consumer.close()


def lag(settings, topic, group):
    consumer = Consumer({**settings, "group.id": group})
    try:
        wanted = [TopicPartition(topic, n) for n in consumer.list_topics(topic, timeout=10).topics[topic].partitions]
        result = {}
        for place in consumer.committed(wanted, timeout=10):
            low, high = consumer.get_watermark_offsets(place, timeout=10)
            result[place.partition] = high - max(place.offset, low)
        return result
    finally:
        consumer.close()
