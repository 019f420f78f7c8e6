"""Kafka as one submission meets it: a cluster of its own, one broker, behind a front."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from grader.errors import ServiceError
from grader.services.base import Service
from grader.services.kafka.errors import ERRORS
from grader.services.kafka.front import OF_A_SUBMISSION, Bounds, KafkaFront
from grader.services.kafka.messages import Message, packed
from grader.services.kafka.private import PrivateCluster
from grader.services.kafka.protocol import KEYS
from grader.services.kafka.watch import Recording, Seen, Watch

SESSION_MS = 1500
"""The shortest session that the cluster keeps reliably: of a second or less, joins hung."""
_HEARTBEAT_MS = 200
_FETCH_WAIT_MS = 50
ADDRESS = "127.0.0.1"
"""Of the broker, as a submission's clients know it."""
_DYING = 1.0
"""Seconds for a process to be gone after its connections."""


class KafkaService(Service):
    """A cluster behind a front that sees every request of the submission's before the cluster does.

    It is librdkafka's mock cluster, and this submission's alone. Its topics exist when the suite
    has created them (one that a client asks for by another name comes to be with 4 partitions).
    """

    def __init__(self, cluster: PrivateCluster, *, bounds: Bounds = OF_A_SUBMISSION) -> None:
        """Begin to start `cluster`; the submission may do what `bounds` says.

        Raises:
            ServiceError: it cannot be started.
        """
        self._cluster = cluster
        self._bounds = bounds
        self._front: KafkaFront | None = None
        self._partitions: dict[str, int] = {}
        cluster.start()

    def attach(self, listener: socket.socket, port: int) -> None:
        """Serve every connection that `listener` accepts."""
        self.port = port
        self._front = KafkaFront(listener, self._cluster.connect, port, self.observe, self._bounds)

    # What the suite needs: topics ------------------------------------------------

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return the settings for the student's clients: where the broker is, and short times.

        Args:
            more: settings besides, with underscores for their dots: `session_timeout_ms=6000`.
                None takes a setting away.
        """
        usual: dict[str, Any] = {
            # By its number: of a name, a client tries the address for IPv6 too, where nothing
            # listens, and waits for seconds before it tries the other one.
            "bootstrap.servers": f"{ADDRESS}:{self.port}",
            "session.timeout.ms": SESSION_MS,
            "heartbeat.interval.ms": _HEARTBEAT_MS,
            "fetch.wait.max.ms": _FETCH_WAIT_MS,  # a waiting fetch is not woken by a message
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 200,
            "log_level": 0,  # it would print that connections ended
        }
        for name, value in more.items():
            usual[name if name == "log_level" else name.replace("_", ".")] = value
        return {name: value for name, value in usual.items() if value is not None}

    def create_topic(self, name: str, partitions: int = 3) -> None:
        """Create a topic.

        Raises:
            ServiceError: the cluster does not work.
        """
        self._cluster.tell("create", name, partitions)
        self._partitions[name] = partitions

    def produce(
        self,
        topic: str,
        messages: Sequence[bytes | tuple[bytes | None, bytes | None] | None],
        partition: int = 0,
        timestamps: Sequence[int] = (),
    ) -> None:
        """Append messages to a partition, as they are; returns when all of them are there.

        A partition keeps the newest 5 MB, and the newest 100,000 batches.

        Args:
            topic: it exists.
            messages: a value each, or a key and a value.
            partition: of the topic.
            timestamps: when each was made, in milliseconds since 1970; without them it is now.
        """
        pairs = [each if isinstance(each, tuple) else (None, each) for each in messages]
        raw = [(packed(key), packed(value)) for key, value in pairs]
        self._cluster.tell("produce", topic, raw, partition, list(timestamps))

    def read(self, topic: str, partition: int | None = None) -> list[Message]:
        """Return the messages of a topic, or of one partition, in order within each partition."""
        found = self._cluster.tell("read", topic, self._count(topic), partition)
        return [Message.from_json(each) for each in found]

    def committed(self, topic: str, group: str) -> dict[int, int]:
        """Return the committed offset of each partition for which the group has one.

        Asked by an onlooker who never joins the group: no session has to end for it.
        """
        return dict(self._cluster.tell("committed", topic, self._count(topic), group))

    def commit(self, topic: str, group: str, offsets: Mapping[int, int]) -> None:
        """Commit an offset for each of these partitions, by an onlooker; the group has no member.

        Raises:
            ServiceError: the cluster does not work, or the group has a member.
        """
        self._cluster.tell("commit", topic, group, list(offsets.items()))

    def ends(self, topic: str) -> dict[int, int]:
        """Return the offset that each partition's next message gets."""
        return {number: high for number, _, high in self._bounds_of(topic)}

    def begins(self, topic: str) -> dict[int, int]:
        """Return the first offset of each partition that is still there."""
        return {number: low for number, low, _ in self._bounds_of(topic)}

    def trim(self, topic: str, partition: int, before: int) -> None:
        """Delete the messages of a partition before an offset, as retention does.

        Whole batches go: produce one by one what is to be cut between.
        """
        self._cluster.tell("trim", topic, partition, before)

    # What the suite needs: faults ---------------------------------------------------

    def refuse(self, name: str, error: str | int, count: int = 1) -> None:
        """Answer the next `count` requests of a kind with an error.

        The suite's own count too: of `OffsetFetch`, `Produce`, `Fetch` and `Metadata` it sends
        some itself in `committed`, `produce` and `read`.

        Args:
            name: of the kind, such as `OffsetCommit`.
            error: the client's name for it, such as `REBALANCE_IN_PROGRESS`, or its number.
            count: of requests.
        """
        number = error if isinstance(error, int) else ERRORS[error]
        self._cluster.tell("refuse", KEYS[name], number, count)

    def accept(self, name: str) -> None:
        """Refuse no more requests of that kind."""
        self._cluster.tell("accept", KEYS[name])

    def delay(self, milliseconds: int) -> None:
        """Let the cluster answer each request so much later; 0 ends it."""
        self._cluster.tell("delay", milliseconds)

    @contextmanager
    def broker_down(self) -> Iterator[None]:
        """Let the submission reach no broker in the block; the suite still does."""
        self._attached.go_down()
        try:
            yield
        finally:
            self._attached.come_up()

    @contextmanager
    def before(
        self,
        *names: str,
        action: Callable[[], None],
        number: int = 1,
        group: str = "",
        client: str = "",
    ) -> Iterator[threading.Event]:
        """Run `action` before the consumer's `number`-th request of these kinds is answered.

        The request's connection stands still meanwhile. With `group`, requests that are about
        another do not count; with `client`, those of another `client.id`.
        Gives an event that is set when the request has come.

        Raises:
            Whatever `action` raised, at the end.
        """
        watch = Watch(names, number, action, group, client)
        with self._attached.watching(watch):
            yield watch.reached
        if watch.failure is not None:
            raise watch.failure

    @contextmanager
    def stopped_before(self, number: int, *names: str, group: str = "") -> Iterator[Watch]:
        """Let the consumer's `number`-th request wait, and never reach the cluster.

        Without names, what clients send by themselves does not count. All requests that came
        before it on its connection were answered when the watch's `reached` is set. The
        connection ends with the block, unless the consumer was killed.
        """
        free = threading.Event()

        def hold() -> None:
            free.wait()

        watch = Watch(names, number, hold, group, drops=True)
        try:
            with self._attached.watching(watch):
                yield watch
        finally:
            free.set()

    # What the suite needs: what was seen ---------------------------------------------

    def recording(self) -> AbstractContextManager[Recording]:
        """Keep the submission's requests that come in the block; see :class:`Recording`."""
        return self._attached.recording()

    @property
    def joined(self) -> frozenset[str]:
        """Return the groups that a client of the consumer's has asked to be a member of so far."""
        return frozenset(self._attached.joined)

    @property
    def open_connections(self) -> int:
        """Return how many connections the consumer's processes have open now."""
        return self._attached.open_connections

    def wait_closed(self, seconds: float) -> bool:
        """Wait until they have none open; False when one still is after `seconds`."""
        return self._attached.wait_closed(seconds)

    def _count(self, topic: str) -> int:
        return self._partitions[topic]

    def _bounds_of(self, topic: str) -> list[tuple[int, int, int]]:
        found = self._cluster.tell("ends", topic, self._count(topic))
        return [(number, low, high) for number, low, high in found]

    @property
    def _attached(self) -> KafkaFront:
        if self._front is None:
            raise RuntimeError("the service is not attached to a sandbox")
        return self._front

    @property
    def exceeded(self) -> bool:
        """Tell whether the submission sent, asked for, stored or computed more than it may.

        Or published what nobody can read.
        """
        sent = self._front is not None and self._front.exceeded
        kept = self._cluster.overfull or self._cluster.unreadable
        return sent or self._cluster.worn_out or kept

    @property
    def why_exceeded(self) -> str:
        """Return what it did, as a clause about the program; empty: it sent too much."""
        if self._front is not None and self._front.asked_too_much:
            return "asked Kafka for more than any exercise needs"
        if self._cluster.worn_out:
            return "made Kafka compute for longer than any exercise needs"
        if self._cluster.unreadable:
            return "published to Kafka what no client can unpack"
        if self._cluster.overfull:
            return "made Kafka keep more than any exercise needs"
        return ""

    @property
    def refusals(self) -> Sequence[str]:
        """Return what the program sent that ended its connection, as clauses about it."""
        return self._front.refusals if self._front is not None else ()

    # Life ----------------------------------------------------------------------------

    def check(self) -> None:
        """Prove that the cluster answers.

        Raises:
            ServiceError: it does not.
        """
        if self._cluster.ended(0):
            raise ServiceError("Kafka ended")
        try:
            self._cluster.tell("check")
        except ServiceError:
            if self._cluster.ended(_DYING):
                raise ServiceError("Kafka ended") from None
            raise

    def close(self) -> None:
        """Cut the connections and end the cluster."""
        if self._front is not None:
            self._front.close()
            self._front = None
        self._cluster.stop()


__all__ = ["KafkaService", "Message", "Recording", "Seen", "Watch"]
