"""Exercise 04: create a queue on Amazon SQS, send to it, consume from it, and handle only once.

The lesson is in README.md beside this file. Check your work with `pytest exercises/04`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Event = dict[str, Any]


def create_queue(
    sqs: Any,
    name: str,
    *,
    visibility_timeout: int = 30,
    retention: int = 86400,
    max_receive_count: int = 3,
) -> str:
    """Create a queue and its dead-letter queue.

    Args:
        sqs: A boto3 client, `boto3.client("sqs", ...)`.
        name: The queue's name. The dead-letter queue is called `name + "-dead"`. A name that ends
            in `.fifo` makes both FIFO queues; then the other one is `NAME-dead.fifo`. How long
            the dead-letter queue keeps messages is yours to choose; it has no other attributes.
        visibility_timeout: Seconds that a received message stays hidden.
        retention: Seconds that a message is kept, whether or not anybody receives it.
        max_receive_count: After that many receives without a delete, the message moves to the
            dead-letter queue (at the next receive).

    Returns:
        The queue's URL. Calling it again with the same arguments returns the same one.
    """
    raise NotImplementedError("create the dead-letter queue, then the queue with a RedrivePolicy")


def send_events(sqs: Any, queue_url: str, events: Iterable[Event]) -> None:
    """Send events in batches of at most ten.

    Each event is a message: its body the event as JSON, its message attribute `EventType` the
    String `trip_start`. Entries that a batch reports as failed are sent again at least once, and
    only those.

    On a FIFO queue (its URL ends in `.fifo`) the message group is the event's `pickup_zone` with
    spaces replaced by `-`, and the deduplication id its `event_id`.

    Raises:
        Exception: An entry failed again and again; any type will do. Without one, every event is
            in the queue, once.
    """
    raise NotImplementedError("call sqs.send_message_batch, and look at what it returns")


def sqs_consumer(
    sqs: Any,
    queue_url: str,
    handle: Callable[[Event], None],
    *,
    max_events: int,
    wait_seconds: int = 5,
    batch_size: int = 5,
    max_empty_receives: int = 5,
) -> int:
    """Receive events, handle each, and delete it when it was handled.

    Args:
        sqs: A boto3 client.
        queue_url: The queue.
        handle: Called with each event. When it returns, the message is deleted, before the next
            receive. When it raises an `Exception`, the message is left alone and comes back after
            the visibility timeout; you go on with the next one. On a FIFO queue you go on with
            the next one of another message group: the rest of its group in this receive is left
            alone as well, and so comes after it.
        max_events: Return after that many events were handled. Never receive more messages than
            that leaves to handle: the others stay visible for another consumer.
        wait_seconds: How long each receive waits for messages on the server's side.
        batch_size: How many messages to ask for at most, 1 to 10.
        max_empty_receives: Return after that many empty answers in a row. An answer with messages
            starts the count anew, whatever became of them.

    Returns:
        How many events were handled.

    A message that is not a JSON object is left alone as well: after enough receives it lies in
    the dead-letter queue.
    """
    raise NotImplementedError("receive, handle, delete, in a loop")


def once(handle: Callable[[Event], None], seen: set[Any]) -> Callable[[Event], None]:
    """Make a handler that does not handle an event twice.

    Args:
        handle: The handler to protect.
        seen: The `event_id`s that were handled. An id enters it when `handle` has returned, and
            not when it raised.

    Returns:
        A handler that calls `handle` for events whose `event_id` is not in `seen`, lets through
        what it raises, and does nothing for the others.
    """
    raise NotImplementedError("return a function that looks into seen before it calls handle")
