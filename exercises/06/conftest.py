"""A Kafka for the public tests of exercise 06: the mock cluster that the client brings."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition

from grader.errors import ServiceError
from grader.services.kafka.library import find_library
from grader.services.kafka.private import PrivateCluster

PATIENCE = 10.0
LONGEST_WAIT = 8.0
"""Seconds for what your function does in a thread; after 10 s in all the test itself is ended."""


@pytest.fixture(scope="session")
def cluster() -> Iterator[PrivateCluster]:
    """Give a cluster that starts now, and is gone with these tests."""
    try:
        cluster = PrivateCluster(find_library(), bounded=False)
        cluster.start()
        assert cluster.port
    except ServiceError as problem:
        pytest.skip(str(problem))
    yield cluster
    cluster.stop()


@pytest.fixture
def settings(cluster: PrivateCluster) -> dict[str, Any]:
    """Give the settings that your functions get: where the broker is, and short time-outs."""
    return {
        "bootstrap.servers": f"127.0.0.1:{cluster.port}",
        "session.timeout.ms": 1500,
        "heartbeat.interval.ms": 200,
        "fetch.wait.max.ms": 50,
        "message.timeout.ms": 5000,
        "log_level": 0,
    }


class Onlooker:
    """Looks at a test's topic, and does what other clients do."""

    def __init__(self, cluster: PrivateCluster, settings: dict[str, Any], partitions: int) -> None:
        self.topic = f"test-{uuid.uuid4().hex[:10]}"
        self.group = f"{self.topic}-fares"
        self.partitions = range(partitions)
        self._cluster = cluster
        self._settings = settings
        self._refused: set[int] = set()
        cluster.tell("create", self.topic, partitions)

    def publish(self, partition: int, *events: object) -> None:
        """Append events to a partition; bytes, and None, as they are."""
        producer = Producer(self._settings)
        for event in events:
            raw = event is None or isinstance(event, bytes)
            value = event if raw else json.dumps(event).encode()
            producer.produce(self.topic, value, partition=partition)
        assert producer.flush(PATIENCE) == 0, "the cluster did not take the test's own events"

    def messages(self) -> list[Message]:
        """Return all messages of the topic, in order within each partition."""
        found: list[Message] = []
        consumer = self._consumer("test")
        for number in self.partitions:
            place = TopicPartition(self.topic, number, OFFSET_BEGINNING)
            first, end = consumer.get_watermark_offsets(place, timeout=PATIENCE)
            consumer.assign([place])
            if first < end:
                found += consumer.consume(end - first, timeout=PATIENCE)
        consumer.close()
        return found

    def committed(self) -> dict[int, int]:
        """Return what the group has committed: an offset for each partition that has one."""
        consumer = self._consumer(self.group)
        asked = [TopicPartition(self.topic, number) for number in self.partitions]
        found = consumer.committed(asked, timeout=PATIENCE)
        consumer.close()
        return {each.partition: each.offset for each in found if each.offset >= 0}

    def commit(self, offsets: dict[int, int]) -> None:
        """Commit offsets for the group, as long as it has had no members."""
        consumer = self._consumer(self.group)
        places = [TopicPartition(self.topic, *each) for each in offsets.items()]
        consumer.commit(offsets=places, asynchronous=False)
        consumer.close()

    def refuse(self, kind: int, error: int) -> None:
        """Have the broker answer the next request of a kind with an error, by their numbers."""
        self._refused.add(kind)
        self._cluster.tell("refuse", kind, error, 1)

    def accept(self) -> None:
        """Have the broker refuse nothing any more, also where a refused request never came."""
        for kind in self._refused:
            self._cluster.tell("accept", kind)

    def _consumer(self, group: str) -> Consumer:
        return Consumer({**self._settings, "group.id": group, "enable.auto.commit": False})


@pytest.fixture
def server(cluster: PrivateCluster, settings: dict[str, Any]) -> Iterator[Onlooker]:
    """Give a topic of three partitions, and a look at it that does not go by your functions."""
    onlooker = Onlooker(cluster, settings, 3)
    yield onlooker
    onlooker.accept()


class InBackground(threading.Thread):
    """Calls a function in a thread; SystemExit ends it, and any other exception is kept."""

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self.problem: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Call it."""
        try:
            self._call()
        except SystemExit:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by waits_for
            self.problem = error

    def waits_for(
        self,
        event: threading.Event,
        expected: Callable[[], str],
        beside: Iterable[InBackground] = (),
    ) -> None:
        """Wait until `event` is set; fail with what a function raised, or with what it should."""
        deadline = time.monotonic() + LONGEST_WAIT
        while not event.wait(0.05):
            for call in (self, *beside):
                if call.problem is not None:
                    raise call.problem
                assert call.is_alive(), f"the call returned: {expected()}"
            assert time.monotonic() < deadline, f"after {LONGEST_WAIT:.0f} s: {expected()}"


@pytest.fixture
def start() -> type[InBackground]:
    """Give what calls your function in a thread of its own."""
    return InBackground
