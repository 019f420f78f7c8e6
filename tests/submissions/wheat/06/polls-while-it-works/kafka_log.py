"""Exercise 06: a worker handles, while this thread pauses the partitions and goes on polling."""

import collections
import json
from concurrent.futures import ThreadPoolExecutor, wait

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition


def publish_events(settings, topic, events):
    refused = []

    def report(error, message):
        if error is not None:
            refused.append(f"{message.key()}: {error.str()}")

    producer = Producer({**settings, "acks": "all", "compression.type": "gzip"})
    for event in events:
        while True:
            try:
                producer.produce(topic, json.dumps(event), event["pickup_zone"], callback=report)
            except BufferError:
                producer.poll(0.5)
            else:
                producer.poll(0)
                break
    if producer.flush() or refused:
        raise OSError("; ".join(refused))


class Work:
    """What is in hand: a message, and the future of its handle."""

    def __init__(self, consumer):
        self.consumer, self.message, self.future = consumer, None, None

    def finish(self):
        """Wait for what is in hand, and commit it; what handle raised is raised here."""
        message, future = self.message, self.future
        self.message = self.future = None
        if message is None:
            return 0
        if future is not None:
            future.result()
        self.consumer.commit(message=message, asynchronous=False)
        return int(future is not None)


def kafka_consumer(settings, topic, group, handle, *, max_events, ready=lambda: None):
    consumer = Consumer(
        {**settings, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    )
    work = Work(consumer)
    handled = 0

    held = collections.deque()  # what came all the same while something was in hand

    def revoked(_, partitions):
        # Before another member gets them, what is in hand is done and committed.
        nonlocal handled
        if work.message is not None and work.future is not None:
            wait([work.future])
            if work.future.exception() is None:
                handled += work.finish()
        gone = {each.partition for each in partitions}
        kept = [message for message in held if message.partition() not in gone]
        held.clear()
        held.extend(kept)

    def assigned(_, partitions):
        ready()

    with ThreadPoolExecutor(max_workers=1) as pool:
        try:
            consumer.subscribe([topic], on_assign=assigned, on_revoke=revoked)
            while handled < max_events:
                message = held.popleft() if held else consumer.poll(0.2)
                if message is None:
                    continue
                if message.error():
                    if message.error().fatal():
                        raise KafkaException(message.error())
                    continue
                event = parse(message.value())
                work.message = message
                if event is not None:
                    work.future = pool.submit(handle, event)
                    if not wait([work.future], timeout=0.3).done:
                        poll_meanwhile(consumer, work, held)
                handled += work.finish()
        finally:
            work.message = work.future = None
            consumer.close()
    return handled


def poll_meanwhile(consumer, work, held):
    """Stay a member of the group for as long as handle takes."""
    consumer.pause(consumer.assignment())
    while work.future is not None and not wait([work.future], timeout=0.02).done:
        extra = consumer.poll(0)
        if extra is not None and not extra.error():
            held.append(extra)
    consumer.resume(consumer.assignment())


def parse(data):
    try:
        event = json.loads(data)
    except (TypeError, ValueError):
        return None
    return event if isinstance(event, dict) else None


def replay(settings, topic, handle):
    consumer = Consumer({**settings, "group.id": "once-more", "enable.auto.commit": False})
    handled = 0
    try:
        places = [TopicPartition(topic, n, OFFSET_BEGINNING) for n in partitions(consumer, topic)]
        ends = {p.partition: consumer.get_watermark_offsets(p, timeout=10) for p in places}
        left = {number for number, (low, high) in ends.items() if high > low}
        consumer.assign([p for p in places if p.partition in left])
        while left:
            message = consumer.poll(0.2)
            if message is None or message.error():
                continue
            number = message.partition()
            if number in left:
                event = parse(message.value())
                if event is not None:
                    handle(event)
                    handled += 1
                if message.offset() + 1 >= ends[number][1]:
                    left.remove(number)
                    consumer.pause([TopicPartition(topic, number)])
    finally:
        consumer.close()
    return handled


def lag(settings, topic, group):
    consumer = Consumer({**settings, "group.id": group})
    counts = {}
    try:
        for place in consumer.committed(
            [TopicPartition(topic, n) for n in partitions(consumer, topic)], timeout=10
        ):
            low, high = consumer.get_watermark_offsets(place, timeout=10)
            counts[place.partition] = high - (place.offset if place.offset > -1 else low)
    finally:
        consumer.close()
    return counts


def partitions(consumer, topic):
    return list(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
