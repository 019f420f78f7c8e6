"""Exercise 03, second half: publish to a RabbitMQ queue, and consume from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel

Event = dict[str, Any]


def _parse(body: bytes) -> Event | None:
    """Return the event of one message, or None."""
    try:
        value = json.loads(body.decode("utf-8"))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def declare_queue(channel: BlockingChannel, queue: str) -> None:
    """Make sure that a queue exists, and its dead-letter queue."""
    dead = queue + ".dead"
    channel.queue_declare(dead, durable=True)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    channel.queue_declare(queue, durable=True, arguments=arguments)


def publish_events(channel: BlockingChannel, queue: str, events: Iterable[Event]) -> None:
    """Publish events to a queue, and make sure that the broker has them."""
    channel.confirm_delivery()
    properties = pika.BasicProperties(delivery_mode=2, content_type="application/json")
    for event in events:
        body = json.dumps(dict(event)).encode()
        channel.basic_publish("", queue, body, properties, mandatory=True)


def rabbitmq_consumer(
    parameters: pika.ConnectionParameters,
    queue: str,
    handle: Callable[[Event], None],
    *,
    max_events: int,
    prefetch_count: int = 10,
) -> int:
    """Consume events from a queue, acknowledging each after it was handled."""
    handled = 0
    failed: set[bytes] = set()  # what has failed once
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=prefetch_count)
        for delivery, _, body in channel.consume(queue):
            tag = delivery.delivery_tag
            event = _parse(body)
            if event is None:
                channel.basic_reject(tag, requeue=False)
                continue
            try:
                handle(event)
            except Exception:
                again = body in failed or delivery.redelivered
                failed ^= {body}
                channel.basic_reject(tag, requeue=not again)
                continue
            channel.basic_ack(tag)
            handled += 1
            if handled >= max_events:
                break
        else:
            raise ConnectionError("the broker has cancelled the consumer")
    except BaseException:
        if connection.is_open:
            try:
                connection.close()
            except pika.exceptions.AMQPError:
                pass  # the first error is the one to tell
        raise
    connection.close()
    return handled
