"""Exercise 06. Written step by step."""

import json

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition


class NotDelivered(Exception):
    """An event that the broker does not have."""


def event_in(message):
    value = message.value()
    if value is None or len(value) == 0:
        return None
    try:
        event = json.loads(value)
    except ValueError:
        return None
    if not isinstance(event, dict):
        return None
    return event


def publish_events(settings, topic, events):
    config = dict(settings)
    producer = Producer(config)
    problems = []
    reports = 0

    def on_delivery(error, message):
        nonlocal reports
        reports = reports + 1
        if error is not None:
            problems.append(str(error))

    number = 0
    for event in events:
        number = number + 1
        value = json.dumps(event)
        key = event.pop("pickup_zone")
        sent = False
        while not sent:
            try:
                producer.produce(topic, value=value, key=key, on_delivery=on_delivery)
                sent = True
            except BufferError:
                producer.poll(0.5)
        producer.poll(0)

    while reports < number:
        producer.flush(1.0)
    if len(problems) > 0:
        raise NotDelivered("; ".join(problems[:5]))


def kafka_consumer(settings, topic, group, handle, *, max_events, ready=lambda: None):
    config = dict(settings)
    config["group.id"] = group
    config["enable.auto.commit"] = False
    config["auto.offset.reset"] = "earliest"
    consumer = Consumer(config)

    def on_assign(consumer, partitions):
        print("assigned:", [p.partition for p in partitions])
        ready()

    number_handled = 0
    try:
        consumer.subscribe([topic], on_assign=on_assign)
        while number_handled < max_events:
            message = consumer.poll(0.5)
            if message is None:
                continue
            if message.error() is not None:
                if message.error().fatal():
                    raise KafkaException(message.error())
                print("passing:", message.error())
                continue

            event = event_in(message)
            if event is None:
                print("bad message:", message.partition(), message.offset())
            else:
                handle(event)
                number_handled = number_handled + 1

            next_offset = TopicPartition(topic, message.partition(), message.offset() + 1)
            try:
                consumer.commit(offsets=[next_offset], asynchronous=False)
            except KafkaException as error:
                if error.args[0].code() == KafkaError.REBALANCE_IN_PROGRESS:
                    print("rebalancing, this one comes again")
                else:
                    raise
    finally:
        consumer.close()
    return number_handled


def partitions_of(consumer, topic):
    return sorted(consumer.list_topics(topic, timeout=20).topics[topic].partitions)


def replay(settings, topic, handle):
    config = dict(settings)
    config["group.id"] = "nobody"
    config["enable.auto.commit"] = False
    config["auto.offset.reset"] = "earliest"
    config["enable.partition.eof"] = True
    consumer = Consumer(config)
    number_handled = 0
    try:
        for partition in partitions_of(consumer, topic):
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=20)
            if low >= high:
                continue
            consumer.assign([TopicPartition(topic, partition, low)])
            while True:
                message = consumer.poll(0.5)
                if message is None:
                    continue
                if message.error() is not None:
                    if message.error().code() == KafkaError._PARTITION_EOF:
                        break
                    if message.error().fatal():
                        raise KafkaException(message.error())
                    continue
                if message.partition() != partition:
                    continue
                if message.offset() >= high:
                    break
                event = event_in(message)
                if event is not None:
                    handle(event)
                    number_handled = number_handled + 1
                if message.offset() == high - 1:
                    break
            consumer.unassign()
    finally:
        consumer.close()
    return number_handled


def lag(settings, topic, group):
    config = dict(settings)
    config["group.id"] = group
    config["enable.auto.commit"] = False
    consumer = Consumer(config)
    result = {}
    try:
        for partition in partitions_of(consumer, topic):
            place = TopicPartition(topic, partition)
            low, high = consumer.get_watermark_offsets(place, timeout=20)
            committed = consumer.committed([place], timeout=20)[0].offset
            if committed < 0:
                committed = low
            result[partition] = high - committed
    finally:
        consumer.close()
    return result
