"""What the tests of Kafka share: a submission's cluster, its members, and raw requests."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer

from grader.services.kafka.library import find_library
from grader.services.kafka.private import PrivateCluster
from grader.services.kafka.service import KafkaService

SECONDS = 10.0
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def new_service(**options: Any) -> KafkaService:
    """Start a submission's cluster, attached to a listener."""
    made = KafkaService(PrivateCluster(find_library()), **options)
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    made.attach(listener, listener.getsockname()[1])
    return made


def cluster_of(kafka: KafkaService) -> PrivateCluster:
    """Its process."""
    return kafka._cluster  # noqa: SLF001 - to look at its process


@contextlib.contextmanager
def member(kafka: KafkaService, group: str = "fares", **more: Any) -> Iterator[Consumer]:
    """A consumer of the submission's, which commits when it is told to."""
    own = {"group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    consumer = Consumer(kafka.settings(**more) | own)
    consumer.subscribe(["trips"])
    try:
        yield consumer
    finally:
        consumer.close()


def take(consumer: Consumer, count: int) -> list[Any]:
    """That many messages, or what came of them until SECONDS have passed."""
    found: list[Any] = []
    deadline = time.monotonic() + SECONDS
    while len(found) < count and time.monotonic() < deadline:
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            found.append(message)
    return found


def request(key: int, body: bytes = b"", version: int = 0, client: bytes = b"x") -> bytes:
    """One as it goes over the wire."""
    head = struct.pack(">hhih", key, version, 7, len(client)) + client
    return struct.pack(">i", len(head + body)) + head + body


def answered(kafka: KafkaService, data: bytes) -> bytes:
    """What a raw connection gets for these bytes; b"" where it is cut."""
    with socket.create_connection(("127.0.0.1", kafka.port), SECONDS) as raw:
        raw.settimeout(SECONDS)
        with contextlib.suppress(OSError):
            raw.sendall(data)
            return raw.recv(4096)
    return b""
