"""librdkafka's mock cluster in this process: one broker, no group's first join delayed.

What it cannot: CreateTopics, describe or list groups, transactions that are aborted (their messages
are seen). A fetch that waits is not woken by a message: it comes `fetch.wait.max.ms` later at the
latest. A partition keeps 5 MB or 100,000 batches, in memory.
"""

from __future__ import annotations

import ctypes

BROKER = 1
_ERROR = 512
"""Bytes for what librdkafka says of a fault."""
_PRODUCER = 0
_NOT_OFFERED = (68, 71, 72, 76, 78, 79)
"""ConsumerGroupHeartbeat, telemetry, share groups: a client does without, and they are fragile."""


class MockError(Exception):
    """The library refused something."""


class MockCluster:
    """A cluster; lives as long as its process."""

    def __init__(self, library: ctypes.CDLL) -> None:
        """Start it; serves on a port of 127.0.0.1 that it takes itself.

        Args:
            library: what `load_library` returned.
        """
        self._library = library
        said = ctypes.create_string_buffer(_ERROR)
        conf = library.rd_kafka_conf_new()
        # It would print on standard error that it has no broker to go to.
        for name, value in (("log_level", "0"), ("bootstrap.servers", "127.0.0.1:1")):
            library.rd_kafka_conf_set(conf, name.encode(), value.encode(), said, _ERROR)
        handle = library.rd_kafka_new(_PRODUCER, conf, said, _ERROR)
        if not handle:
            raise MockError(said.value.decode(errors="replace"))
        self._cluster = library.rd_kafka_mock_cluster_new(handle, BROKER)
        if not self._cluster:
            raise MockError("the mock cluster does not start")
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        # Without a controller a client waits for one before it says what is not supported.
        library.rd_kafka_mock_set_controller_id(self._cluster, BROKER)
        for key in _NOT_OFFERED:
            library.rd_kafka_mock_set_apiversion(self._cluster, key, -1, -1)

    @property
    def port(self) -> int:
        """Return the port where it serves."""
        address = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        return int(address.rpartition(":")[2])

    @property
    def version(self) -> str:
        """Return librdkafka's version."""
        return str(self._library.rd_kafka_version_str().decode())

    def create(self, topic: str, partitions: int) -> None:
        """Create a topic."""
        self._checked(
            self._library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), partitions, 1)
        )

    def delete(self, topic: str) -> None:
        """Delete a topic."""
        self._checked(self._library.rd_kafka_mock_topic_delete(self._cluster, topic.encode()))

    def trim(self, topic: str, partition: int, before: int) -> None:
        """Delete the records of a partition before an offset."""
        self._checked(
            self._library.rd_kafka_mock_partition_delete_records(
                self._cluster, topic.encode(), partition, before
            )
        )

    def refuse(self, key: int, error: int, count: int) -> None:
        """Answer the next `count` requests of the kind `key` with an error's code."""
        errors = (ctypes.c_int * count)(*[error] * count)
        self._library.rd_kafka_mock_push_request_errors_array(self._cluster, key, count, errors)

    def accept(self, key: int) -> None:
        """Refuse no more requests of that kind."""
        self._library.rd_kafka_mock_clear_request_errors(self._cluster, key)

    def delay(self, milliseconds: int) -> None:
        """Answer each request so much later."""
        self._checked(
            self._library.rd_kafka_mock_broker_set_rtt(self._cluster, BROKER, milliseconds)
        )

    def _checked(self, code: int) -> None:
        if code:
            raise MockError(f"librdkafka answers with error {code}")
