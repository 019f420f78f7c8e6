"""What is compared: six ways to consume the same stream."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Technique:
    """One way, and what has to be known of it to measure it."""

    id: str
    title: str
    exercise: str
    file: str
    function: str
    keeps: bool
    """Whether the medium holds events until somebody reads them."""
    burst: int
    """Events of a run at full speed: about a second's work."""
    service: str | None = None


TECHNIQUES = (
    Technique("polling", "polling", "01", "polling.py", "poll", keeps=True, burst=100_000),
    Technique("tail", "tail", "02", "tail_pipe.py", "tail_consumer", keeps=True, burst=80_000),
    Technique(
        "socket", "socket", "02", "tcp_socket.py", "socket_consumer", keeps=False, burst=80_000
    ),
    Technique(
        *("redis", "Redis Pub/Sub", "03", "redis_pubsub.py", "redis_consumer"),
        keeps=False,
        burst=2_000,
        service="redis",
    ),
    Technique(
        *("rabbitmq", "RabbitMQ", "03", "rabbitmq.py", "rabbitmq_consumer"),
        keeps=True,
        burst=3_000,
        service="rabbitmq",
    ),
    Technique("sqs", "SQS", "04", "sqs.py", "sqs_consumer", keeps=True, burst=60, service="sqs"),
)

BY_ID = {each.id: each for each in TECHNIQUES}
