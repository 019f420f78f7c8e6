"""What a cluster's process does when the suite tells it to: for each order a method.

An order is a name and JSON values, and so is what it gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from grader.services.kafka.messages import unpacked
from grader.services.kafka.mock import MockCluster
from grader.services.kafka.onlooker import Onlooker


class Orders:
    """A cluster, and who looks at it."""

    def __init__(self, cluster: MockCluster) -> None:
        self._cluster = cluster
        self._onlooker = Onlooker(f"127.0.0.1:{cluster.port}")
        self.known: dict[str, Callable[..., Any]] = {
            "create": cluster.create,
            "delete": cluster.delete,
            "trim": cluster.trim,
            "refuse": cluster.refuse,
            "accept": cluster.accept,
            "delay": cluster.delay,
            "check": self._onlooker.check,
            "produce": self._produce,
            "read": self._read,
            "ends": self._ends,
            "committed": self._committed,
            "commit": self._commit,
        }
        """By their names."""

    def _produce(
        self,
        topic: str,
        messages: Sequence[Sequence[str | None]],
        partition: int,
        timestamps: Sequence[int],
    ) -> None:
        pairs = [(unpacked(key), unpacked(value)) for key, value in messages]
        self._onlooker.produce(topic, pairs, partition, timestamps)

    def _read(self, topic: str, partitions: int, only: int | None) -> list[list[Any]]:
        return [each.to_json() for each in self._onlooker.read(topic, partitions, only)]

    def _ends(self, topic: str, partitions: int) -> list[list[int]]:
        found = self._onlooker.ends(topic, partitions)
        return [[number, low, high] for number, (low, high) in found.items()]

    def _committed(self, topic: str, partitions: int, group: str) -> list[list[int]]:
        found = self._onlooker.committed(topic, partitions, group)
        return [list(each) for each in found.items()]

    def _commit(self, topic: str, group: str, offsets: Sequence[tuple[int, int]]) -> None:
        self._onlooker.commit(topic, group, dict(offsets))
