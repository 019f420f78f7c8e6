import json

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)


def publish_events(settings, topic, events):
    errors = []

    def on_delivery(err, msg):
        if err is not None:
            errors.append(err)

    producer = Producer(settings)
    for event in events:
        value = json.dumps(event)
        while True:
            try:
                producer.produce(
                    topic, value=value, key=event["pickup_zone"], on_delivery=on_delivery
                )
                break
            except BufferError:
                producer.poll(0.5)
        producer.poll(0)
    producer.flush()
    if errors:
        raise KafkaException(errors[0])


def kafka_consumer(settings, topic, group, handle, *, max_events, ready=lambda: None):
    conf = dict(settings)
    conf["group.id"] = group
    conf["auto.offset.reset"] = "earliest"
    conf["enable.auto.commit"] = False
    consumer = Consumer(conf)
    count = 0
    try:
        consumer.subscribe([topic], on_assign=lambda c, parts: ready())
        while count < max_events:
            msg = consumer.poll(1.0)
            if msg is None:
                continue
            if msg.error():
                if msg.error().fatal():
                    raise KafkaException(msg.error())
                continue
            try:
                event = json.loads(msg.value())
                if not isinstance(event, dict):
                    raise ValueError("not an object")
            except (ValueError, TypeError):
                consumer.commit(message=msg, asynchronous=False)
                continue
            try:
                handle(event)
                consumer.commit(message=msg, asynchronous=False)
            except KafkaException as e:
                if e.args[0].code() != KafkaError.REBALANCE_IN_PROGRESS:
                    raise
            count += 1
    finally:
        consumer.close()
    return count


def replay(settings, topic, handle):
    conf = dict(settings)
    conf["group.id"] = "replay"
    conf["enable.auto.commit"] = False
    consumer = Consumer(conf)
    count = 0
    try:
        ends = {}
        parts = []
        for p in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)
            if low < high:
                ends[p] = high
                parts.append(TopicPartition(topic, p, low))
        consumer.assign(parts)
        while ends:
            msg = consumer.poll(1.0)
            if msg is None or msg.error():
                continue
            p = msg.partition()
            if p not in ends:
                continue
            if msg.offset() < ends[p]:
                try:
                    event = json.loads(msg.value())
                except (ValueError, TypeError):
                    event = None
                if isinstance(event, dict):
                    handle(event)
                    count += 1
            if msg.offset() + 1 >= ends[p]:
                del ends[p]
    finally:
        consumer.close()
    return count


def lag(settings, topic, group):
    consumer = Consumer({**settings, "group.id": group, "enable.auto.commit": False})
    try:
        parts = [
            TopicPartition(topic, p)
            for p in consumer.list_topics(topic, timeout=10).topics[topic].partitions
        ]
        result = {}
        for tp in consumer.committed(parts, timeout=10):
            low, high = consumer.get_watermark_offsets(tp, timeout=10)
            start = tp.offset if tp.offset >= 0 else low
            result[tp.partition] = high - start
        return result
    finally:
        consumer.close()
