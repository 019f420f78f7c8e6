import json
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition


@contextmanager
def opened(settings, **own):
    consumer = Consumer(
        {**settings, **{key.replace("_", "."): value for key, value in own.items()}}
    )
    try:
        yield consumer
    finally:
        consumer.close()


def publish_events(settings, topic, events):
    producer = Producer({**settings, "enable.idempotence": True})
    errors = []
    for event in events:
        message = {
            "topic": topic,
            "key": event["pickup_zone"],
            "value": json.dumps(event, separators=(",", ":")),
            "on_delivery": lambda err, _msg: errors.append(err) if err else None,
        }
        while True:
            try:
                producer.produce(**message)
            except BufferError:
                producer.poll(0.1)
            else:
                break
    unsent = producer.flush()
    assert unsent == 0
    if errors:
        raise KafkaException(errors[0])


def kafka_consumer(settings, topic, group, handle, *, max_events, ready=lambda: None):
    count = 0

    def on_assign(consumer, partitions):
        consumer.incremental_assign(partitions)
        if partitions:
            ready()

    def on_revoke(consumer, partitions):
        consumer.incremental_unassign(partitions)

    with opened(
        settings,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        partition_assignment_strategy="cooperative-sticky",
    ) as consumer:
        consumer.subscribe([topic], on_assign=on_assign, on_revoke=on_revoke, on_lost=on_revoke)
        while count < max_events:
            message = consumer.poll(0.5)
            if message is None:
                continue
            error = message.error()
            if error is not None:
                if error.fatal():
                    raise KafkaException(error)
                continue
            event = to_event(message.value())
            if event is not None:
                handle(event)
                count += 1
            try:
                consumer.commit(message=message, asynchronous=False)
            except KafkaException as exc:
                if exc.args[0].code() == KafkaError.REBALANCE_IN_PROGRESS:
                    continue
                raise
    return count


def to_event(value):
    if value is None:
        return None
    try:
        event = json.loads(value)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def replay(settings, topic, handle):
    count = 0
    with opened(settings, group_id="_replay", enable_auto_commit=False) as consumer:
        ends = {}
        for number in consumer.list_topics(topic).topics[topic].partitions:
            ends[number] = consumer.get_watermark_offsets(TopicPartition(topic, number))
        consumer.assign([TopicPartition(topic, number, low) for number, (low, _) in ends.items()])
        at = {number: low for number, (low, _) in ends.items()}
        while any(at[number] < high for number, (_, high) in ends.items()):
            message = consumer.poll(0.5)
            if message is None or message.error():
                continue
            if message.offset() >= ends[message.partition()][1]:
                continue
            at[message.partition()] = message.offset() + 1
            event = to_event(message.value())
            if event is not None:
                handle(event)
                count += 1
    return count


def lag(settings, topic, group):
    with opened(settings, group_id=group, enable_auto_commit=False) as consumer:
        numbers = consumer.list_topics(topic).topics[topic].partitions.keys()
        places = consumer.committed([TopicPartition(topic, number) for number in numbers])
        result = {}
        for place in places:
            low, high = consumer.get_watermark_offsets(place)
            result[place.partition] = high - (low if place.offset < 0 else place.offset)
        return result
