"""Exercise 06: Kafka."""

import json

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition


def publish_events(settings, topic, events):
    errors = []

    def report(error, message):
        if error is not None:
            errors.append(error)

    producer = Producer({**settings, "acks": "all"})
    for event in events:
        while True:
            try:
                producer.produce(
                    topic,
                    json.dumps(event).encode(),
                    key=event["pickup_zone"].encode(),
                    on_delivery=report,
                )
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    producer.flush()
    if errors:
        raise KafkaException(errors[0])


def kafka_consumer(settings, topic, group, handle, *, max_events, ready=lambda: None):
    consumer = Consumer(
        {
            **settings,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )

    def assigned(consumer, partitions):
        ready()

    handled = 0
    try:
        consumer.subscribe([topic], on_assign=assigned)
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
                handle(event)
                handled += 1
            commit(consumer, message)
    finally:
        consumer.close()
    return handled


def replay(settings, topic, handle):
    consumer = Consumer(
        {
            **settings,
            "group.id": "replay",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    handled = 0
    try:
        left = set(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in left])
        while left:
            message = consumer.poll(0.5)
            if message is None:
                continue
            if message.error():
                if message.error().code() == KafkaError._PARTITION_EOF:
                    left.discard(message.partition())
                continue
            event = parse(message.value())
            if event is not None:
                handle(event)
                handled += 1
    finally:
        consumer.close()
    return handled


def lag(settings, topic, group):
    consumer = Consumer({**settings, "group.id": group, "enable.auto.commit": False})
    try:
        numbers = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        places = [TopicPartition(topic, number) for number in numbers]
        result = {}
        for place in consumer.committed(places, timeout=10):
            low, high = consumer.get_watermark_offsets(place, timeout=10)
            result[place.partition] = high - (place.offset if place.offset >= 0 else 0)
        return result
    finally:
        consumer.close()


def commit(consumer, message):
    try:
        consumer.commit(message=message, asynchronous=False)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.REBALANCE_IN_PROGRESS:
            raise


def parse(data):
    try:
        event = json.loads(data or b"")
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
