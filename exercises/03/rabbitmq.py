"""Exercise 03, second half: publish to a RabbitMQ queue, and consume from it.

The lesson is in README.md beside this file. Check your work with `pytest exercises/03`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel

Event = dict[str, Any]


def declare_queue(channel: BlockingChannel, queue: str) -> None:
    """Make sure that a queue exists, and its dead-letter queue.

    Args:
        channel: An open channel. Leave it open.
        queue: The queue's name. The dead-letter queue is called `queue + ".dead"`.

    Both are durable: they outlive a restart of the broker. A message that a consumer rejects for
    good leaves `queue` and lies in the dead-letter queue afterwards. Declaring twice is fine.
    """
    raise NotImplementedError("declare the dead-letter queue, then the queue, with arguments")


def publish_events(channel: BlockingChannel, queue: str, events: Iterable[Event]) -> None:
    """Publish events to a queue, and make sure that the broker has them.

    Args:
        channel: An open channel. Leave it open.
        queue: A queue that exists: declaring it is not your business here.
        events: Dicts. Publish each as JSON, a persistent message of its own, in this order.

    Raises:
        Exception: The broker refused a message, or has no queue of that name to put it into; pika's
            own exceptions are fine. Without one, every event is in the queue.
    """
    raise NotImplementedError("turn on publisher confirms, then basic_publish each event")


def rabbitmq_consumer(
    parameters: pika.ConnectionParameters,
    queue: str,
    handle: Callable[[Event], None],
    *,
    max_events: int,
    prefetch_count: int = 10,
) -> int:
    """Consume events from a queue, acknowledging each after it was handled.

    Opens a connection of its own, declares the queue, consumes, closes the connection.

    Args:
        parameters: Where the broker is, and who you are.
        queue: The queue's name.
        handle: Called with each event, in order of arrival. When it raises an `Exception`, the
            message goes back to the queue once; when it fails again (the broker has marked it as
            redelivered), it goes to the dead-letter queue. Either way you go on with the next.
            Other `BaseException`s, such as Ctrl-C's, leave this function unchanged.
        max_events: Return right after that many events were handled; failures do not count.
            However long the queue is empty before that, wait.
        prefetch_count: How many messages you may hold that are not acknowledged.

    Returns:
        How many events were handled. By then all of them are acknowledged, and every message
        beyond them is in the queue, ready for another consumer.

    Raises:
        Exception: The broker dropped the connection, or somebody deleted the queue; pika's own
            exceptions are fine. A normal return means that `max_events` were handled, and all of
            them acknowledged.

    A message that is not a JSON object (broken JSON, a number, a list, nothing at all, bytes that
    are not UTF-8) goes to the dead-letter queue at once. A process that is killed at any moment
    loses no message. However this function ends, its connection is closed.
    """
    raise NotImplementedError("connect, declare, set the prefetch, consume, acknowledge, close")
