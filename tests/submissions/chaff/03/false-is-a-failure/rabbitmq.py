"""channel.consume called anew for each message: it goes on where it was."""

import contextlib
import json

import pika
from pika.exceptions import ConsumerCancelled


def declare_queue(channel, queue):
    dead = queue + ".dead"
    channel.queue_declare(queue=dead, durable=True)
    channel.queue_declare(
        queue=queue,
        durable=True,
        arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead},
    )


def publish_events(channel, queue, events):
    channel.confirm_delivery()
    properties = pika.BasicProperties(delivery_mode=2, content_type="application/json")
    for event in events:
        channel.basic_publish(
            exchange="",
            routing_key=queue,
            body=json.dumps(event).encode("utf-8"),
            properties=properties,
            mandatory=True,
        )


def _event(data):
    try:
        value = json.loads(data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _settle(channel, delivery, body, handle):
    """Handle one delivery and answer it; True for a success."""
    tag = delivery.delivery_tag
    event = _event(body)
    if event is None:
        channel.basic_reject(tag, requeue=False)
        return False
    try:
        if handle(event) is False:
            raise RuntimeError("handle said no")
    except Exception:
        channel.basic_reject(tag, requeue=not delivery.redelivered)
        return False
    channel.basic_ack(tag)
    return True


def rabbitmq_consumer(parameters, queue, handle, *, max_events, prefetch_count=10):
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(pika.BlockingConnection(parameters))
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=prefetch_count)
        handled = 0
        while handled < max_events:
            found = next(channel.consume(queue), None)
            if found is None:
                raise ConsumerCancelled("the queue was deleted")
            delivery, _, body = found
            handled += _settle(channel, delivery, body, handle)
        channel.cancel()
        return handled
