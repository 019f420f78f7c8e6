"""Exercise 06, a batch at a time."""

import json

import confluent_kafka as ck


def publish_events(settings, topic, events):
    outcome = {"sent": 0, "confirmed": 0, "error": None}

    def delivered(error, message):
        if error:
            outcome["error"] = outcome["error"] or error
        else:
            outcome["confirmed"] += 1

    producer = ck.Producer(dict(settings, **{"enable.idempotence": True}))
    for event in events:
        data = dict(topic=topic, key=event["pickup_zone"], value=json.dumps(event), callback=delivered)
        try:
            producer.produce(**data)
        except BufferError:
            producer.flush()
            producer.produce(**data)
        outcome["sent"] += 1
        producer.poll(0)
    while len(producer):
        producer.flush(1.0)
    if outcome["error"] or outcome["confirmed"] != outcome["sent"]:
        raise RuntimeError("confirmed are {confirmed} of {sent}: {error}".format(**outcome))


def kafka_consumer(settings, topic, group, handle, *, max_events, ready=lambda: None):
    consumer = ck.Consumer(
        dict(
            settings,
            **{
                "group.id": group,
                "enable.auto.commit": "false",
                "auto.offset.reset": "smallest",
            },
        )
    )
    consumer.subscribe([topic], on_assign=lambda c, parts: ready() if parts else None)
    done = 0
    try:
        while done < max_events:
            for message in consumer.consume(min(50, max_events - done), timeout=0.5):
                problem = message.error()
                if problem:
                    if problem.fatal():
                        raise ck.KafkaException(problem)
                    continue
                if is_event(message):
                    handle(json.loads(message.value()))
                    done += 1
                place = ck.TopicPartition(topic, message.partition(), message.offset() + 1)
                consumer.commit(offsets=[place], asynchronous=False)
    finally:
        consumer.close()
    return done


def is_event(message):
    try:
        return isinstance(json.loads(message.value()), dict)
    except (TypeError, ValueError):
        return False


def replay(settings, topic, handle):
    consumer = ck.Consumer({**settings, "group.id": "nobody", "enable.auto.commit": False})
    done = 0
    try:
        for number in sorted(consumer.list_topics(topic, 10).topics[topic].partitions):
            place = ck.TopicPartition(topic, number)
            place.offset, end = consumer.get_watermark_offsets(place, 10)
            consumer.assign([place])
            at = place.offset
            while at < end:
                for message in consumer.consume(min(100, end - at), timeout=0.5):
                    if message.error():
                        continue
                    at = message.offset() + 1
                    if is_event(message):
                        handle(json.loads(message.value()))
                        done += 1
    finally:
        consumer.close()
    return done


def lag(settings, topic, group):
    consumer = ck.Consumer({**settings, "group.id": group})
    try:
        found = {}
        for number in consumer.list_topics(topic, 10).topics[topic].partitions:
            place = ck.TopicPartition(topic, number)
            low, high = consumer.get_watermark_offsets(place, 10)
            (known,) = consumer.committed([place], 10)
            found[number] = high - known.offset if known.offset != ck.OFFSET_INVALID else high - low
        return found
    finally:
        consumer.close()
