"""The suite's own clients of a cluster, in its process: they see everything and join no group.

A submission decides what is in a batch, and how it is compressed. So the client that unpacks it
runs where the cluster runs, as the same user, within the same bounds.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from grader.services.kafka.messages import Message

SECONDS = 10.0
MOST_BYTES = 64 << 20
"""Of keys and values, unpacked, that are read at once."""
_POLL = 0.2
_UNREADABLE = {KafkaError._BAD_COMPRESSION, KafkaError._BAD_MSG, KafkaError._UNDERFLOW}  # noqa: SLF001 - the client's names
"""What the client says of a batch, again and again: it fetches it anew each time."""
_NONE = -1
"""Below it are the client's words for "no offset"."""


class OnlookerError(Exception):
    """The cluster does not answer, or refuses what the suite asks for."""


class ExcessError(OnlookerError):
    """The submission made the cluster keep more than is read."""


class UnreadableError(OnlookerError):
    """The submission made the cluster keep what no client can unpack."""


class Onlooker:
    """Clients that are made when they are first needed, and kept."""

    def __init__(self, address: str) -> None:
        """Look at the cluster at `address`, of the form host:port."""
        self._common: dict[str, Any] = {
            "bootstrap.servers": address,
            "log_level": 0,
            "reconnect.backoff.ms": 10,
            "reconnect.backoff.max.ms": 100,
            "socket.timeout.ms": int(SECONDS * 1000),
            "client.id": "onlooker",
        }
        self._producer_kept: Producer | None = None
        self._consumer_kept: Consumer | None = None
        self._admin_kept: AdminClient | None = None

    @property
    def _producer(self) -> Producer:
        if self._producer_kept is None:
            own = {"linger.ms": 0, "message.timeout.ms": int(SECONDS * 1000)}
            self._producer_kept = Producer(self._common | own)
        return self._producer_kept

    @property
    def _consumer(self) -> Consumer:
        if self._consumer_kept is None:
            own = {
                "group.id": "onlooker",  # asked for, and never joined: it only assigns
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 5,
                "auto.offset.reset": "earliest",
            }
            self._consumer_kept = Consumer(self._common | own)
        return self._consumer_kept

    @property
    def _admin(self) -> AdminClient:
        if self._admin_kept is None:
            self._admin_kept = AdminClient(self._common)
        return self._admin_kept

    def produce(
        self,
        topic: str,
        messages: Sequence[tuple[bytes | None, bytes | None]],
        partition: int,
        timestamps: Sequence[int] = (),
    ) -> None:
        """Append messages, each a key and a value, to a partition; returns when all are there.

        `timestamps` are milliseconds since 1970, one for each; without them it is now.

        Raises:
            OnlookerError: the cluster did not take them.
        """
        failures: list[Any] = []

        def report(error: Any, _message: Any) -> None:
            if error is not None:
                failures.append(error)

        now = (0,) * len(messages)
        for (key, value), when in zip(messages, timestamps or now, strict=True):
            while True:
                try:
                    self._producer.produce(
                        topic, value, key, partition, on_delivery=report, timestamp=when
                    )
                    break
                except BufferError:
                    self._producer.poll(_POLL)
        if self._producer.flush(SECONDS) or failures:
            raise OnlookerError(f"Kafka did not take the suite's messages: {failures[:1]}")

    def ends(self, topic: str, partitions: int) -> dict[int, tuple[int, int]]:
        """Return the first offset and the next one of each partition."""
        with _told("the ends of a topic"):
            return {
                number: self._consumer.get_watermark_offsets(
                    TopicPartition(topic, number), timeout=SECONDS
                )
                for number in range(partitions)
            }

    def read(self, topic: str, partitions: int, only: int | None = None) -> list[Message]:
        """Return all messages of the topic, or of one partition; in order within each partition."""
        ends = self.ends(topic, partitions)
        open_ = {n for n, (low, high) in ends.items() if low < high and only in (None, n)}
        found: list[Message] = []
        if not open_:
            return found
        left = MOST_BYTES
        deadline = time.monotonic() + SECONDS
        with _told("the messages of a topic"):
            self._consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in open_])
            try:
                while open_:
                    if time.monotonic() > deadline:
                        raise OnlookerError(f"Kafka did not show all messages in {SECONDS:.0f} s")
                    message = self._consumer.poll(_POLL)
                    if message is None:
                        continue
                    number, following = message.partition() or 0, message.offset() or 0
                    if (error := message.error()) is not None and error.code() in _UNREADABLE:
                        raise UnreadableError(f"a batch cannot be unpacked: {error.name()}")
                    if error is None:
                        found.append(_message(message))
                        following += 1
                        left -= len(message.key() or b"") + len(message.value() or b"")
                        if left < 0:
                            raise ExcessError(f"a topic holds more than {MOST_BYTES >> 20} MB")
                    if following >= ends[number][1]:
                        open_.discard(number)
            finally:
                self._consumer.unassign()
        return sorted(found, key=lambda each: (each.partition, each.offset))

    def committed(self, topic: str, partitions: int, group: str) -> dict[int, int]:
        """Return the committed offset of each partition that has one."""
        asked = [TopicPartition(topic, number) for number in range(partitions)]
        with _told("committed offsets"):
            (future,) = self._admin.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(group, asked)], request_timeout=SECONDS
            ).values()
            said = future.result(SECONDS)
        found = ((each.partition, each.offset) for each in said.topic_partitions)
        return {partition: offset for partition, offset in found if offset > _NONE}

    def commit(self, topic: str, group: str, offsets: Mapping[int, int]) -> None:
        """Commit offsets for a group that has no member."""
        places = [TopicPartition(topic, number, offset) for number, offset in offsets.items()]
        with _told("a change of committed offsets"):
            (future,) = self._admin.alter_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(group, places)], request_timeout=SECONDS
            ).values()
            future.result(SECONDS)

    def check(self) -> None:
        """Prove that the cluster answers.

        Raises:
            OnlookerError: it does not.
        """
        with _told("its metadata"):
            self._admin.list_topics("", timeout=SECONDS)

    def close(self) -> None:
        """Close the clients."""
        if self._consumer_kept is not None:
            with contextlib.suppress(KafkaException, RuntimeError):
                self._consumer_kept.close()
        self._consumer_kept = self._producer_kept = self._admin_kept = None


def _message(seen: Any) -> Message:
    headers = tuple(seen.headers() or ())
    return Message(seen.partition(), seen.offset(), seen.key(), seen.value(), headers)


@contextlib.contextmanager
def _told(what: str) -> Any:
    try:
        yield
    except (KafkaException, TimeoutError) as error:
        raise OnlookerError(f"Kafka does not answer when asked for {what}: {error}") from None
