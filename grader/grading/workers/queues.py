"""The queues of a class on the broker, and what is said through them.

    controller --> exchange WORK, key COURSE.RUN --> queue grader.work.COURSE --> workers
    workers --> queue grader.results.RUN --> controller
    queue grader.work.COURSE, over its delivery limit --> exchange DEAD --> grader.results.RUN

COURSE is the hash of suites and limits: a worker is only sent work for those that it has.
"""

from __future__ import annotations

from typing import Any

WORK = "grader.work"
DEAD = "grader.dead"
DELIVERIES = 3
"""How many workers may end over a submission before it is set aside."""
_UNUSED_MS = 7 * 24 * 60 * 60 * 1000
"""After this long without anybody a queue goes, with what is in it."""


def work_queue(course: str) -> Any:
    """Return the queue of work for the suites with the hash `course`."""
    from kombu import Exchange, Queue  # noqa: PLC0415 - an extra

    return Queue(
        f"grader.work.{course}",
        Exchange(WORK, type="topic", durable=True),
        routing_key=f"{course}.*",
        durable=True,
        queue_arguments={
            "x-queue-type": "quorum",
            # A message may be given back this often; with the first time that is DELIVERIES.
            "x-delivery-limit": DELIVERIES - 1,
            "x-dead-letter-exchange": DEAD,
            "x-expires": _UNUSED_MS,
        },
    )


def results_queue(run: str) -> Any:
    """Return the queue of reports for the run: it stays when its reader ends."""
    from kombu import Exchange, Queue, binding  # noqa: PLC0415 - an extra

    dead = Exchange(DEAD, type="topic", durable=True)
    return Queue(
        results_name(run),
        durable=True,
        bindings=[binding(dead, routing_key=f"*.{run}")],
        queue_arguments={"x-queue-type": "quorum", "x-expires": _UNUSED_MS},
    )


def results_name(run: str) -> str:
    """Return the name of the queue of reports for the run."""
    return f"grader.results.{run}"


def routing_key(course: str, run: str) -> str:
    """Return the key of work of one run for one course."""
    return f"{course}.{run}"


def take_back(channel: Any, course: str, run: str) -> int:
    """Take the work of `run` that no worker has begun out of the queue, and return how much.

    What other runs have in it goes to its end, as if it were new.
    """
    queue = work_queue(course)(channel)
    count = queue.queue_declare(passive=True).message_count
    taken, refused = 0, []
    producer = channel.connection.client.Producer(channel, auto_declare=False)
    for _ in range(count):
        message = queue.get(no_ack=False, accept=["json"])
        if message is None:
            break
        key = message.delivery_info["routing_key"]
        if key == routing_key(course, run):
            taken += 1
        elif not publish_again(producer, message.body, message.properties, message.headers, key):
            refused.append(message)
            continue
        message.ack()
    for message in refused:  # at the end: what is given back is the next to be got
        message.requeue()
    return taken


def publish_again(
    producer: Any, body: Any, properties: dict[str, Any], headers: dict[str, Any], key: str
) -> bool:
    """Publish a message of the work exchange as a new one, which counts no deliveries.

    Returns:
        Whether the broker took it.
    """
    counted = ("x-delivery-count", "x-acquired-count", "x-death")
    return publish(
        producer,
        body,
        exchange=WORK,
        routing_key=key,
        headers={name: value for name, value in headers.items() if name not in counted},
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=2,
        correlation_id=properties.get("correlation_id"),
        reply_to=properties.get("reply_to"),
    )


def publish(producer: Any, body: Any, **how: Any) -> bool:
    """Publish with `how`, and tell whether the broker took it.

    A broker refuses what is over a queue's limit, or what it could not store in time (basic.nack).
    """
    # Both are extras; amqp has no types.
    from amqp.exceptions import MessageNacked  # type: ignore[import-untyped] # noqa: PLC0415
    from kombu.exceptions import OperationalError  # noqa: PLC0415

    try:
        producer.publish(body, **how)
    except MessageNacked:
        return False
    except OperationalError as error:  # what kombu makes of any exception where it may retry
        if not isinstance(error.__cause__, MessageNacked):
            raise
        return False
    return True
