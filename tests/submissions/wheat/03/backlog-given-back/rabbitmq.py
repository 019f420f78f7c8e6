"""Exercise 03, RabbitMQ: the caller's loop decides when the connection is looked at."""

import collections
import json

import pika


def declare_queue(channel, queue):
    dead_letters = {"x-dead-letter-exchange": "amq.direct", "x-dead-letter-routing-key": queue}
    channel.queue_declare(queue, durable=True, arguments=dead_letters)
    channel.queue_declare(queue + ".dead", durable=True)
    channel.queue_bind(queue + ".dead", exchange="amq.direct", routing_key=queue)


def publish_events(channel, queue, events):
    channel.confirm_delivery()
    for body in map(json.dumps, events):
        channel.basic_publish(
            exchange="",
            routing_key=queue,
            body=body.encode("utf-8"),
            properties=pika.spec.BasicProperties(delivery_mode=pika.spec.PERSISTENT_DELIVERY_MODE),
            mandatory=True,
        )


def rabbitmq_consumer(parameters, queue, handle, *, max_events, prefetch_count=10):
    backlog = collections.deque()
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=prefetch_count)
        tag = channel.basic_consume(queue, lambda *delivery: backlog.append(delivery))
        successes = 0
        while successes < max_events:
            if not backlog:
                if not channel.consumer_tags:
                    raise RuntimeError("the broker has cancelled the consumer")
                connection.process_data_events(time_limit=1)
                continue
            _, method, _, body = backlog.popleft()
            successes += one(channel, method, body, handle)
        channel.basic_cancel(tag)
        if backlog:
            channel.basic_nack(backlog[-1][1].delivery_tag, multiple=True, requeue=True)
        return successes
    finally:
        if not connection.is_closed:
            connection.close()


def one(channel, method, body, handle):
    """1 for a success, else 0."""
    try:
        event = json.loads(body.decode())
        if not isinstance(event, dict):
            raise ValueError(event)
    except ValueError:
        channel.basic_reject(method.delivery_tag, requeue=False)
        return 0
    try:
        handle(event)
    except Exception:
        channel.basic_reject(method.delivery_tag, requeue=not method.redelivered)
        return 0
    channel.basic_ack(method.delivery_tag)
    return 1
