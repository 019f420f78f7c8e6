from __future__ import annotations
import json

import pika


def declare_queue(channel, queue):
    dead = queue + ".dead"
    channel.queue_declare(dead, durable=True)
    channel.queue_declare(
        queue,
        durable=True,
        arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead},
    )


def publish_events(channel, queue, events):
    channel.confirm_delivery()
    properties = pika.BasicProperties(delivery_mode=2, content_type="application/json")
    for event in events:
        channel.basic_publish("", queue, json.dumps(event).encode(), properties, mandatory=True)


def parse(body):
    try:
        event = json.loads(body.decode("utf-8"))
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def rabbitmq_consumer(parameters, queue, handle, *, max_events, prefetch_count=10):
    count = 0
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=prefetch_count)
        for method, _, body in channel.consume(queue):
            event = parse(body)
            if event is None:
                channel.basic_reject(method.delivery_tag, requeue=False)
                continue
            try:
                handle(event)
            except Exception:
                channel.basic_reject(method.delivery_tag, requeue=not method.redelivered)
                continue
            channel.basic_ack(method.delivery_tag)
            count += 1
            if count >= max_events:
                return count
        raise RuntimeError("the queue is gone")
    except pika.exceptions.ConnectionClosed:
        return count
    finally:
        if connection.is_open:
            connection.close()
