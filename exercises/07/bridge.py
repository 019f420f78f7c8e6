"""Exercise 07, the capstone: a bridge from a file over RabbitMQ to Amazon SQS that loses nothing.

The lesson is in README.md beside this file. Check your work with `pytest exercises/07`.

At every moment each event of the file is after the stored offset, or in RabbitMQ (in the queue or
its dead-letter queue), or in the SQS queue. It may be in two of them, and is never in none.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pika

PathLike = str | os.PathLike[str]


def collect(
    path: PathLike,
    offset_path: PathLike,
    parameters: pika.ConnectionParameters,
    queue: str,
    *,
    max_polls: int = 1,
    poll_interval: float = 2.0,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Move the events appended to a file into a RabbitMQ queue, and the offset after them.

    Opens a connection of its own, declares the queue as exercise 03 does (durable, with the
    durable dead-letter queue `queue + ".dead"`), publishes, and closes the connection.

    Args:
        path: The file, a JSON object on each line. It may not exist yet. An unfinished last line
            stays unread. A file that is shorter than the offset is a new one: start again at 0.
        offset_path: Where the offset is kept from one call to the next; absent or empty means 0.
            The format is yours. Killed at any moment, the file holds the old or the new offset.
        parameters: Where the broker is, and who you are.
        queue: The queue's name. Each event is a persistent message of its own, its JSON as the
            body, in the order of the file.
        max_polls: How often to look for new lines.
        poll_interval: Seconds between two looks: `sleep(poll_interval)`, not after the last.
        sleep: Call this one to wait.

    Returns:
        How many events were moved into the queue.

    Raises:
        Exception: The broker dropped the connection, refused a message or could not route it;
            pika's own exceptions are fine. The next call goes on from the stored offset.

    The stored offset never passes an event that the broker has not confirmed. Killed at any
    moment, at most ten events come twice: store the offset after ten events at the latest, not at
    the end of a long poll. A bad line (not a JSON object) is passed over, or published to
    `queue + ".dead"`; either way it does not come again. A blank line is nothing.
    """
    raise NotImplementedError("publish what is new with confirms, and then store the offset")


def forward(
    parameters: pika.ConnectionParameters,
    queue: str,
    sqs: Any,
    queue_url: str,
    *,
    max_idle: float = 5.0,
    batch_size: int = 10,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Move messages from a RabbitMQ queue to an SQS queue in batches.

    Opens a connection of its own, declares the queue as `collect` does, consumes with manual
    acknowledgement, and closes the connection.

    Args:
        parameters: Where the broker is, and who you are.
        queue: The RabbitMQ queue's name.
        sqs: A boto3 client, `boto3.client("sqs", ...)`.
        queue_url: The SQS queue, which exists. Each message goes there with its body as it was. If
            the URL ends in `.fifo`, the message group is the event's `pickup_zone` with spaces
            replaced by `-`, and the deduplication id its `event_id`, as in exercise 04.
        max_idle: Return when no message has come for so many seconds. A batch that does not fill
            up is sent by then at the latest.
        batch_size: How many messages a batch has at most, 1 to 10, and how many you hold
            unacknowledged at most.
        stop: Asked at least four times a second, also while messages come, and while you wait
            before you send again. (One call to SQS may last longer.) When it returns True, return
            within a second: what you hold is then sent and acknowledged, or back in the queue.

    Returns:
        How many messages SQS took.

    Raises:
        Exception: The broker dropped the connection, or somebody deleted the queue; pika's own
            exceptions are fine. SQS refused a whole request, or an entry again and again; boto3's
            exceptions are fine too. The next call goes on with all that is not acknowledged.

    A message is acknowledged after SQS has said that it has it, not before. Entries that a batch
    reports as failed are sent again at least once, those alone, and the others are acknowledged.
    While SQS goes on refusing, wait and send again, or raise. Killed at any moment, at most one
    batch goes to SQS twice. On a FIFO queue events keep their order within a zone, among those
    that SQS takes at the first try.

    A message that SQS can never take goes to `queue + ".dead"` by rejecting it without requeue,
    and the others go on: one of more than 1 MiB (1,048,576 bytes of body, and of attributes if you
    send some), an empty one, one that is not UTF-8, and on a FIFO queue one without `event_id` or
    `pickup_zone`. A whole batch may not have more than 1 MiB either. Any other message that is not
    a JSON object goes to SQS as it is, or to `.dead`.
    """
    raise NotImplementedError("consume, send a batch, acknowledge what SQS took, in a loop")
