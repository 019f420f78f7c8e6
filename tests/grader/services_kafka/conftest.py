"""The cluster of a submission, for the tests beside this file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kafka_lab import new_service

from grader.services.kafka.service import KafkaService


@pytest.fixture
def kafka() -> Iterator[KafkaService]:
    """A submission's cluster with the topic `trips`, of three partitions."""
    made = new_service()
    made.create_topic("trips", 3)
    yield made
    made.close()
