import json

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition


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
    consumer = Consumer(
        {
            **settings,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    count = 0
    try:
        numbers = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign(consumer.committed([TopicPartition(topic, n) for n in numbers], timeout=10))
        ready()
        while count < max_events:
            msg = consumer.poll(1.0)
            if msg is None or msg.error():
                continue
            try:
                event = json.loads(msg.value())
            except (ValueError, TypeError):
                event = None
            if isinstance(event, dict):
                handle(event)
                count += 1
            consumer.commit(message=msg, asynchronous=False)
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
