"""The queues of RabbitMQ and SQS: made before a run, filled, and removed after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from grader.compare.crew import RunError
from grader.compare.place import Place, sqs_client
from grader.compare.techniques import Technique

VISIBILITY = 2
"""Seconds that SQS hides a message which was received: short, so that a crash run is."""


@contextmanager
def answering(server: str) -> Iterator[None]:
    """What a client of `server` raises becomes one sentence.

    Raises:
        RunError: it raised.
    """
    try:
        yield
    except RunError:
        raise
    except Exception as error:  # each client has a family of its own, and raises OSError too
        reason = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise RunError(f"{server} does not answer: {reason}") from error


def declare(technique: Technique, place: Place) -> None:
    """Make the queue, so that either side may come first."""
    if technique.id == "sqs":
        sqs_client(place.url).create_queue(
            QueueName=place.name, Attributes={"VisibilityTimeout": str(VISIBILITY)}
        )
    elif technique.id == "rabbitmq":
        dead = f"{place.name}.dead"
        with _channel(place) as channel:
            channel.queue_declare(dead, durable=True)
            # As exercise 03's declare_queue, which would be refused other arguments.
            arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
            channel.queue_declare(place.name, durable=True, arguments=arguments)


def delete(technique: Technique, place: Place) -> None:
    """Remove the queue, and what goes with it."""
    if technique.id == "sqs":
        client = sqs_client(place.url)
        client.delete_queue(QueueUrl=client.get_queue_url(QueueName=place.name)["QueueUrl"])
    elif technique.id == "rabbitmq":
        with _channel(place) as channel:
            channel.queue_delete(place.name)
            channel.queue_delete(f"{place.name}.dead")


def fill(technique: Technique, place: Place, bodies: list[bytes]) -> None:
    """Let messages wait in the queue; faster than a producer that waits for each confirm."""
    if technique.id == "sqs":
        client = sqs_client(place.url)
        url = client.get_queue_url(QueueName=place.name)["QueueUrl"]
        for start in range(0, len(bodies), 10):
            part = bodies[start : start + 10]
            entries = [{"Id": str(n), "MessageBody": body.decode()} for n, body in enumerate(part)]
            client.send_message_batch(QueueUrl=url, Entries=entries)
    else:
        import pika  # noqa: PLC0415 - not before it is needed

        properties = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
        with _channel(place) as channel:
            for body in bodies:
                channel.basic_publish("", place.name, body, properties)


def waiting(place: Place) -> int:
    """How many messages wait in a queue of RabbitMQ's."""
    with _channel(place) as channel:
        return int(channel.queue_declare(place.name, passive=True).method.message_count)


@contextmanager
def _channel(place: Place) -> Iterator[Any]:
    import pika  # noqa: PLC0415 - not before it is needed

    parameters = pika.URLParameters(place.url)
    parameters.connection_attempts, parameters.retry_delay = 3, 0.5  # a busy one resets some
    with pika.BlockingConnection(parameters) as connection:
        yield connection.channel()
