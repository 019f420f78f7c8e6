"""Exercise 06 on asyncio: each blocking call goes to a thread, handle as well."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition


def publish_events(settings, topic, events):
    asyncio.run(publish(settings, topic, events))


async def publish(settings, topic, events):
    producer = Producer({**settings, "acks": "all"})
    errors = []
    for event in events:
        key, value = event["pickup_zone"].encode(), json.dumps(event).encode()
        while True:
            try:
                producer.produce(topic, value, key, on_delivery=lambda error, _: errors.append(error))
                break
            except BufferError:
                await asyncio.to_thread(producer.poll, 0.1)
    while await asyncio.to_thread(producer.flush, 1):
        pass
    failed = [error for error in errors if error is not None]
    if failed:
        raise KafkaException(failed[0])


def kafka_consumer(settings, topic, group, handle, *, max_events, ready=lambda: None):
    return asyncio.run(consume(settings, topic, group, handle, max_events, ready))


async def consume(settings, topic, group, handle, max_events, ready):
    loop = asyncio.get_running_loop()
    consumer = Consumer(
        {**settings, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    )
    assigned = asyncio.Event()
    with ThreadPoolExecutor(1) as thread:

        async def run(function, *args):
            return await loop.run_in_executor(thread, function, *args)

        try:
            consumer.subscribe([topic], on_assign=lambda *_: loop.call_soon_threadsafe(assigned.set))
            handled, told = 0, False
            while handled < max_events:
                message = await run(consumer.poll, 0.2)
                if assigned.is_set() and not told:
                    told = True
                    ready()
                if message is None:
                    continue
                if message.error():
                    if message.error().fatal():
                        raise KafkaException(message.error())
                    continue
                event = event_of(message)
                if event is not None:
                    await asyncio.to_thread(handle, event)
                    handled += 1
                await run(lambda message=message: consumer.commit(message=message, asynchronous=False))
            return handled
        finally:
            await run(consumer.close)


def replay(settings, topic, handle):
    return asyncio.run(read_all(settings, topic, handle))


async def read_all(settings, topic, handle):
    consumer = Consumer(
        {**settings, "group.id": "replay-only", "enable.auto.commit": False, "enable.partition.eof": True}
    )
    try:
        described = await asyncio.to_thread(consumer.list_topics, topic, 10)
        waiting = set(described.topics[topic].partitions)
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in waiting])
        handled = 0
        while waiting:
            message = await asyncio.to_thread(consumer.poll, 0.2)
            if message is None:
                continue
            if message.error():
                if message.error().code() == KafkaError._PARTITION_EOF:
                    waiting.discard(message.partition())
                continue
            event = event_of(message)
            if event is not None:
                handle(event)
                handled += 1
        return handled
    finally:
        consumer.close()


def lag(settings, topic, group):
    async def count():
        consumer = Consumer({**settings, "group.id": group})
        try:
            described = await asyncio.to_thread(consumer.list_topics, topic, 10)
            places = [TopicPartition(topic, number) for number in described.topics[topic].partitions]
            places = await asyncio.to_thread(consumer.committed, places, 10)
            ends = await asyncio.gather(
                *(asyncio.to_thread(consumer.get_watermark_offsets, place, 10) for place in places)
            )
            return {
                place.partition: high - (low if place.offset < 0 else place.offset)
                for place, (low, high) in zip(places, ends, strict=True)
            }
        finally:
            consumer.close()

    return asyncio.run(count())


def event_of(message):
    try:
        event = json.loads(message.value() or b"")
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
