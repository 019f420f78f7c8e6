"""The sink for Kafka."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from event_sinks.base import Sink, SinkError, reason, unreachable

_SECONDS = 5.0
"""For an answer."""
_STEP = 0.2
"""Seconds after which Ctrl-C is noticed."""
_SURE = 1.0
"""Seconds after which a refused connection was not only that of one of a name's addresses."""
_BROKER = re.compile(r"\s*(\[[\da-fA-F:.]+\]|[^\s:/@\[\]]+)(:\d{1,5})?\s*")
_WHY = re.compile(r"(?:failed|to resolve '[^']*'): (.+?) \(after")


class KafkaSink(Sink):
    """Publishes to a topic, keyed by zone; each event is confirmed before the next is counted."""

    done = "Published"
    block = 500

    def __init__(self, servers: str, topic: str) -> None:
        from confluent_kafka import KafkaException, Producer

        if not all(map(_BROKER.fullmatch, servers.split(","))):
            raise SinkError("--bootstrap-servers names no broker: it is host:port, or several.")
        self._server = f"Kafka at {servers}"
        self.target = f"topic {topic} of {self._server}"
        self._topic = topic
        self._said = ""
        self._errors = KafkaException
        self._failures: list[Any] = []
        self._taken = 0
        common = {
            "bootstrap.servers": servers,
            "log_level": 0,  # it prints by itself
            "error_cb": self._keep,
        }
        try:
            self._create(common, topic)
            own = {"linger.ms": 0, "acks": "all", "message.timeout.ms": int(_SECONDS * 1000)}
            self._producer = Producer(common | own)
        except KafkaException as error:
            raise self._broken(error.args[0]) from error

    def _create(self, common: dict[str, Any], topic: str) -> None:
        """Create the topic with 3 partitions; a cluster that cannot does it at the first event."""
        from confluent_kafka import KafkaError, KafkaException
        from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

        admin = AdminClient(common)
        if topic in self._topics(admin):
            return
        try:
            admin.create_topics([NewTopic(topic, 3, 1)])[topic].result(_SECONDS)
        except KafkaException as error:
            if error.args[0].code() not in (
                KafkaError.TOPIC_ALREADY_EXISTS,
                KafkaError._UNSUPPORTED_FEATURE,  # noqa: SLF001 - its public name
            ):
                raise SinkError(
                    f"{self._server} refuses the topic {topic}: {_text(error.args[0])}. "
                    "Choose another --topic."
                ) from error

    def _topics(self, admin: Any) -> Any:
        """Return the cluster's topics; waits until it answers, but not for long."""
        begin = time.monotonic()
        while True:
            try:
                return admin.list_topics(timeout=_STEP).topics
            except self._errors:
                admin.poll(0)  # calls _keep
                waited = time.monotonic() - begin
                if waited > (_SURE if self._said else _SECONDS):
                    raise

    def send(self, lines: bytes) -> None:
        self._failures.clear()
        self._taken = 0
        for line in lines.splitlines():
            key = json.loads(line)["pickup_zone"].encode()
            while True:
                try:
                    self._producer.produce(self._topic, line, key, on_delivery=self._report)
                    break
                except BufferError:
                    self._producer.poll(_STEP)
                except self._errors as error:
                    raise self._broken(error.args[0]) from error
        deadline = time.monotonic() + 3 * _SECONDS
        while self._producer.flush(_STEP):
            if time.monotonic() > deadline:
                raise SinkError(f"{self._server} does not confirm what it got.", self._taken)
        if self._failures:
            raise self._broken(self._failures[0])

    def wait(self, seconds: float) -> None:
        # Serves its callbacks meanwhile.
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._producer.poll(min(left, _STEP))

    def close(self) -> None:
        self._producer.purge()

    def _report(self, error: Any, _message: Any) -> None:
        if error is None:
            self._taken += 1
        else:
            self._failures.append(error)

    def _keep(self, error: Any) -> None:
        """Keep why the client cannot connect: its exceptions say only that it cannot."""
        if why := _WHY.search(error.str()):
            self._said = why[1]

    def _broken(self, error: Any) -> SinkError:
        """Return the error for what the client says; a broker that is not there says nothing."""
        if error.code() >= 0:
            said = f"{self._server} refused an event: {_text(error)}."
            return SinkError(said, self._taken)
        broken = unreachable(self._server, OSError(self._said or _text(error)))
        broken.taken = self._taken
        return broken


def _text(error: Any) -> str:
    return reason(RuntimeError(error.str().removeprefix("Broker: ").removeprefix("Local: ")))
