"""asyncio all through, with the client's own asyncio classes."""

import asyncio
import json

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.aio import AIOConsumer
from confluent_kafka import Producer, Consumer


def publish_events(settings, topic, events):
    asyncio.run(_publish(settings, topic, events))


async def _publish(settings, topic, events):
    loop = asyncio.get_running_loop()
    producer = Producer(settings)
    futures = []

    def produce(event):
        future = loop.create_future()

        def report(error, message):
            if error is None:
                future.set_result(message)
            else:
                future.set_exception(KafkaException(error))

        while True:
            try:
                producer.produce(
                    topic, json.dumps(event), key=event["pickup_zone"], on_delivery=report
                )
                return future
            except BufferError:
                producer.poll(0.1)

    for event in events:
        futures.append(produce(event))
    producer.flush()
    results = await asyncio.gather(*futures, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


def kafka_consumer(settings, topic, group, handle, *, max_events, ready=lambda: None):
    return asyncio.run(_consume(settings, topic, group, handle, max_events, ready))


async def _consume(settings, topic, group, handle, max_events, ready):
    consumer = AIOConsumer(
        {
            **settings,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        },
        max_workers=4,
    )
    handled = 0

    async def on_assign(_consumer, _partitions):
        ready()

    try:
        await consumer.subscribe([topic], on_assign=on_assign)
        while handled < max_events:
            message = await consumer.poll(0.5)
            if message is None:
                continue
            if message.error():
                if message.error().fatal():
                    raise KafkaException(message.error())
                continue
            try:
                event = json.loads(message.value())
            except (ValueError, TypeError):
                event = None
            if isinstance(event, dict):
                handle(event)
                handled += 1
            await consumer.commit(message=message, asynchronous=False)
    finally:
        await consumer.close()
    return handled


def replay(settings, topic, handle):
    async def run():
        handled = 0
        async with AIOConsumer(
            {**settings, "group.id": "replay", "enable.auto.commit": False}, max_workers=2
        ) as consumer:
            found = await consumer.list_topics(topic)
            ends = {}
            for number in found.topics[topic].partitions:
                low, high = await consumer.get_watermark_offsets(TopicPartition(topic, number))
                if high > low:
                    ends[number] = (low, high)
            await consumer.assign([TopicPartition(topic, n, low) for n, (low, _) in ends.items()])
            while ends:
                message = await consumer.poll(0.5)
                if message is None or message.error():
                    continue
                number = message.partition()
                if number in ends and message.offset() < ends[number][1]:
                    try:
                        event = json.loads(message.value())
                    except (ValueError, TypeError):
                        event = None
                    if isinstance(event, dict):
                        handle(event)
                        handled += 1
                if number in ends and message.offset() >= ends[number][1] - 1:
                    del ends[number]
        return handled

    return asyncio.run(run())


def lag(settings, topic, group):
    consumer = Consumer({**settings, "group.id": group, "enable.auto.commit": False})
    try:
        out = {}
        topics = consumer.list_topics(topic, timeout=5.0).topics
        for p in topics[topic].partitions.values():
            tp = TopicPartition(topic, p.id)
            lo, hi = consumer.get_watermark_offsets(tp, timeout=5.0)
            com = consumer.committed([tp], timeout=5.0)[0].offset
            out[p.id] = hi - com if com >= 0 else hi - lo
        return out
    finally:
        consumer.close()
