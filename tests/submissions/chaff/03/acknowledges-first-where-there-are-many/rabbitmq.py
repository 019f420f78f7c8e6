"""Exercise 03, solved, second half: publish to a RabbitMQ queue, and consume from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ConsumerCancelled

Event = dict[str, Any]
MANY = 100  # events; so many are to be fast

_PERSISTENT = pika.BasicProperties(
    content_type="application/json", delivery_mode=pika.DeliveryMode.Persistent
)


def declare_queue(channel: BlockingChannel, queue: str) -> None:
    """Declare `queue` and its dead-letter queue, both durable."""
    dead = f"{queue}.dead"
    channel.queue_declare(dead, durable=True)
    # The default exchange, called "", takes a message to the queue that its routing key names.
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    channel.queue_declare(queue, durable=True, arguments=arguments)


def publish_events(channel: BlockingChannel, queue: str, events: Iterable[Event]) -> None:
    """Publish each event and wait until the broker has it."""
    channel.confirm_delivery()
    for event in events:
        # Without mandatory, the broker confirms a message that it could put nowhere.
        channel.basic_publish("", queue, json.dumps(event).encode(), _PERSISTENT, mandatory=True)


def rabbitmq_consumer(
    parameters: pika.ConnectionParameters,
    queue: str,
    handle: Callable[[Event], None],
    *,
    max_events: int,
    prefetch_count: int = 10,
) -> int:
    """Handle `max_events` events of `queue`, each acknowledged, and return how many that were."""
    handled = 0
    # Closing gives back what was prefetched and not acknowledged.
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=prefetch_count)
        for delivery, _, body in channel.consume(queue):
            event = _event(body)
            if event is None:
                channel.basic_reject(delivery.delivery_tag, requeue=False)
                continue
            at_once = max_events >= MANY
            if at_once:
                channel.basic_ack(delivery.delivery_tag)
            try:
                handle(event)
            except Exception:  # noqa: BLE001 - whatever it was, the message gets a second chance
                if not at_once:
                    channel.basic_reject(delivery.delivery_tag, requeue=not delivery.redelivered)
                continue
            if not at_once:
                channel.basic_ack(delivery.delivery_tag)
            handled += 1
            if handled == max_events:
                return handled
    raise ConsumerCancelled  # the queue was deleted: no normal return with too few events


def _event(body: bytes) -> Event | None:
    try:
        event = json.loads(body)
    except ValueError:  # broken JSON, and bytes that are not UTF-8
        return None
    return event if isinstance(event, dict) else None
