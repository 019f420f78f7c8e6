"""Kafka, a log in partitions whose groups commit positions."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from grader.compare.place import Place
from grader.compare.processes.counts import Count
from grader.compare.techniques.technique import Call, Handle, Opinions, Ready, Technique

if TYPE_CHECKING:
    from event_sinks.base import Sink

_STATISTICS_MS = 200
_PARTITIONS = 3
_SECONDS = 10.0
"""For an answer."""


class Kafka(Technique):
    """Exercise 06."""

    id: ClassVar[str] = "kafka"
    title: ClassVar[str] = "Kafka"
    exercise: ClassVar[str] = "06"
    file: ClassVar[str] = "kafka_log.py"
    function: ClassVar[str] = "kafka_consumer"
    service: ClassVar[str | None] = "kafka"
    keeps: ClassVar[bool] = True
    burst: ClassVar[int] = 2_000
    counts_requests: ClassVar[bool] = True
    replay: ClassVar[str] = "the log keeps it for as long as is set"
    machines: ClassVar[str] = "the brokers"
    run: ClassVar[str] = "broker"
    opinions: ClassVar[Opinions] = Opinions(
        latency="low",
        keeps="yes, for as long as is set",
        reliability="at least once",
        consumers="built in: a group shares partitions, groups get all",
    )

    @staticmethod
    def bare(
        settings: dict[str, Any],
        topic: str,
        group: str,
        handle: Handle,
        *,
        max_events: int,
        ready: Ready,
        **_: Any,
    ) -> None:
        """Poll in a loop, and let the client commit what poll gave every five seconds."""
        from confluent_kafka import Consumer  # noqa: PLC0415 - the one client that this needs

        consumer = Consumer({**settings, "group.id": group, "auto.offset.reset": "earliest"})
        consumer.subscribe([topic], on_assign=lambda *_: ready())
        handled = 0
        while handled < max_events:
            message = consumer.poll(1)
            if message is None or message.error():
                continue
            handle(json.loads(message.value() or b""))
            handled += 1

    def bind(self, function: Callable[..., object], place: Place, requests: Count) -> Call:
        """Pass settings whose client says by itself how many requests it has sent."""
        sent = 0

        def count(statistics: str) -> None:
            # The client writes to its sockets in threads of C.
            nonlocal sent
            now = json.loads(statistics)["tx"]
            requests.calls += now - sent
            sent = now

        settings = _settings(place) | {
            "session.timeout.ms": place.session_ms,
            "heartbeat.interval.ms": place.session_ms // 3,
            "fetch.wait.max.ms": place.fetch_wait_ms,
            "statistics.interval.ms": _STATISTICS_MS,
            "stats_cb": count,
        }

        # A group is of the cluster, not of a topic: runs side by side would be members of one.
        group = f"{place.name}-{place.group}"

        def call(handle: Handle, ready: Ready, most: int) -> None:
            nonlocal sent
            sent = 0
            function(settings, place.name, group, handle, max_events=most, ready=ready)

        return call

    def sink(self, place: Place) -> Sink:
        """Publish to the topic."""
        from event_sinks.kafka_sink import KafkaSink  # noqa: PLC0415 - importable in a producer alone

        return KafkaSink(place.url, place.name)

    def second_service(self, place: Place) -> Place:
        """Return a place with a group of its own."""
        return place.model_copy(update={"group": f"{place.group}-2"})

    def quiet(self, place: Place) -> float:
        """Return the seconds until a killed member's partitions are another's, and three more."""
        return place.session_ms / 1000 + 3.0

    def make(self, place: Place) -> None:
        """Create the topic; a cluster that creates none by order does when it is asked about it."""
        from confluent_kafka import KafkaException  # noqa: PLC0415 - as above

        admin = _admin(place)
        try:
            _created(admin, place.name)
        except KafkaException:
            admin.list_topics(place.name, timeout=_SECONDS)

    def remove(self, place: Place) -> None:
        """Delete the topic."""
        _admin(place).delete_topics([place.name])[place.name].result(_SECONDS)

    def fill(self, place: Place, bodies: list[bytes]) -> Iterator[None]:
        """Send what the client's queue takes; after the flush all have arrived."""
        from confluent_kafka import Producer  # noqa: PLC0415 - as above

        producer = Producer({**_settings(place), "acks": "all", "linger.ms": 5})
        for body in bodies:
            key = json.loads(body)["pickup_zone"].encode()
            while True:
                with contextlib.suppress(BufferError):
                    producer.produce(place.name, body, key)
                    break
                producer.poll(0.1)
        while producer.flush(0.1):
            yield


def _settings(place: Place) -> dict[str, Any]:
    return {"bootstrap.servers": place.url, "log_level": 0}


def _admin(place: Place) -> Any:
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - each technique needs one client

    return AdminClient(_settings(place))


def _created(admin: Any, topic: str) -> None:
    from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]  # noqa: PLC0415

    admin.create_topics([NewTopic(topic, _PARTITIONS, 1)])[topic].result(_SECONDS)
