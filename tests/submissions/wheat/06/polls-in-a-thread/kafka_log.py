"""A thread polls into a bounded queue; the caller's thread handles and commits."""

import json
import queue
import threading

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition


def publish_events(settings, topic, events):
    producer = Producer(settings)
    outcomes = queue.SimpleQueue()
    sent = 0
    stop = threading.Event()

    def pump():
        while not stop.is_set():
            producer.poll(0.1)

    thread = threading.Thread(target=pump, daemon=True)
    thread.start()
    try:
        for event in events:
            while True:
                try:
                    producer.produce(
                        topic,
                        json.dumps(event),
                        event["pickup_zone"],
                        on_delivery=lambda e, m: outcomes.put(e),
                    )
                    sent += 1
                    break
                except BufferError:
                    stop.wait(0.02)
        results = [outcomes.get() for _ in range(sent)]
    finally:
        stop.set()
        thread.join()
        producer.flush()
    bad = [r for r in results if r is not None]
    if bad:
        raise KafkaException(bad[0])


def kafka_consumer(settings, topic, group, handle, *, max_events, ready=lambda: None):
    consumer = Consumer(
        {
            **settings,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    inbox = queue.Queue(maxsize=1)
    done = threading.Event()
    turn = threading.Semaphore(1)  # one message in hand

    def poller():
        try:
            consumer.subscribe([topic], on_assign=lambda c, p: ready())
            while not done.is_set():
                if not turn.acquire(timeout=0.05):
                    continue
                message = None
                while message is None and not done.is_set():
                    message = consumer.poll(0.1)
                    if message is not None and message.error():
                        if message.error().fatal():
                            raise KafkaException(message.error())
                        message = None
                if message is not None:
                    inbox.put(message)
        except BaseException as problem:
            inbox.put(problem)

    thread = threading.Thread(target=poller)
    thread.start()
    handled = 0
    try:
        while handled < max_events:
            item = inbox.get()
            if isinstance(item, BaseException):
                raise item
            try:
                event = json.loads(item.value())
            except (ValueError, TypeError):
                event = None
            if isinstance(event, dict):
                handle(event)
                handled += 1
            consumer.commit(message=item, asynchronous=False)
            if handled < max_events:
                turn.release()
    finally:
        done.set()
        thread.join()
        consumer.close()
    return handled


def replay(settings, topic, handle):
    consumer = Consumer({**settings, "group.id": "replay", "enable.auto.commit": False})
    try:
        meta = consumer.list_topics(topic, timeout=10).topics[topic]
        handled = 0
        for pid in sorted(meta.partitions):
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, pid), timeout=10)
            if low >= high:
                continue
            consumer.assign([TopicPartition(topic, pid, low)])
            position = low
            while position < high:
                for message in consumer.consume(high - position, timeout=1):
                    if message.error():
                        continue
                    position = message.offset() + 1
                    try:
                        event = json.loads(message.value())
                    except (ValueError, TypeError):
                        continue
                    if isinstance(event, dict):
                        handle(event)
                        handled += 1
        return handled
    finally:
        consumer.close()


def lag(settings, topic, group):
    from concurrent.futures import ThreadPoolExecutor

    consumer = Consumer({**settings, "group.id": group})
    try:
        numbers = list(consumer.list_topics(topic).topics[topic].partitions)

        def one(number):
            [place] = consumer.committed([TopicPartition(topic, number)])
            low, high = consumer.get_watermark_offsets(place)
            return high - (place.offset if place.offset >= 0 else low)

        with ThreadPoolExecutor() as pool:
            return dict(zip(numbers, pool.map(one, numbers)))
    finally:
        consumer.close()
