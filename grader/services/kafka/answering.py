"""KAFKA_BOOTSTRAP_SERVERS: the user's own cluster; and whether a Kafka answers at an address.

Demos and the event generator go there. Submissions are graded on the client's mock cluster, always:
see docs/decisions/0031.
"""

from __future__ import annotations

import os

SERVERS_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
LESSONS = "localhost:9092"
_SECONDS = 3.0
"""For an answer: who is silent for so long on this machine is no server of ours."""


def servers() -> str:
    """Return where the demos find their brokers: what the variable names, else the lessons'."""
    return os.environ.get(SERVERS_VARIABLE) or LESSONS


def kafka_problem(where: str) -> str:
    """Return why a Kafka cannot be used, in a few words; "" where one answers.

    Args:
        where: `host:port`, or several of them with commas between.
    """
    from confluent_kafka import KafkaException  # noqa: PLC0415 - imported where it is needed
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - as above

    try:
        client = AdminClient({"bootstrap.servers": where, "log_level": 0})
        client.list_topics(timeout=_SECONDS)
    except KafkaException:
        return "no Kafka answers"
    return ""
