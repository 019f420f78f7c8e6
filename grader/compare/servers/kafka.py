"""Kafka: where KAFKA_BOOTSTRAP_SERVERS says, where that is asked for; or the mock cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from grader.compare.servers.server import Server
from grader.host.interrupts import held
from grader.services.kafka.library import find_library
from grader.services.kafka.private import PrivateCluster


class KafkaServer(Server):
    """librdkafka's mock cluster."""

    variable: ClassVar[str] = "KAFKA_BOOTSTRAP_SERVERS"
    # A session that a real broker would find too short, so that a crash run is short, and fetches
    # that end soon, since the mock cluster wakes none when something comes.
    settings: ClassVar[Mapping[str, object]] = {"session_ms": 3000, "fetch_wait_ms": 10}

    def start(self) -> None:
        """Start a cluster out of the client's wheel."""
        cluster = PrivateCluster(find_library(), bounded=False)
        with held():
            cluster.start()
            self.stack.callback(cluster.stop)
        self.url = f"127.0.0.1:{cluster.port}"
        self.behind = f"simulated: librdkafka {cluster.version}'s mock cluster"

    def describe(self) -> str:
        """Ask for its topics: its protocol tells no version."""
        from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - not before it is needed

        AdminClient({"bootstrap.servers": self.url, "log_level": 0}).list_topics(timeout=5)
        return f"Kafka at {self.url}"
