"""Inputs for the front of Kafka, and for the cluster behind it."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from functools import cache

from hypothesis import strategies as st

from benchmarks.fuzz.target import Target
from grader.services.kafka.library import find_library
from grader.services.kafka.private import PrivateCluster
from grader.services.kafka.protocol import ProtocolError, Request, RequestReader
from grader.services.kafka.service import KafkaService
from grader.services.kafka.shapes import SHAPES

_ID = b"\0" * 16
_MEMBER = b"\0\1g\0\0\0\1\0\1m\xff\xff"
_PLACE = b"\2\6trips\2\0\0\0\1"
_RECORD = b"\x0c\0\0\0\1\0\0"
_BATCH = struct.pack(">qiiBIhiqqqhii", 0, 56, 0, 2, 0, 0, 0, 0, 0, -1, -1, -1, 1) + _RECORD
WHOLE = {
    (0, 10): b"\0\0\xff\xff\0\0\3\xe8" + _PLACE + bytes([len(_BATCH) + 1]) + _BATCH + b"\0\0\0",
    (1, 16): b"\0\0\0\0\x32\0\0\0\1\0\1\0\0\0" + b"\xff" * 8 + b"\1\1\1\0",
    (2, 7): b"\0\xff\xff\xff\xff\1" + _PLACE + b"\0\0\0\0" + b"\xff" * 8 + b"\0\0\0",
    (3, 13): b"\0\2" + _ID + b"\6trips\0\1\0\0",
    (8, 9): b"\0\2g\0\0\0\1\2m\0" + _PLACE + b"\0" * 8 + b"\xff\xff\xff\xff\1\0\0\0",
    (9, 6): b"\0\2g\2\6trips\2\0\0\0\1\0\0",
    (10, 2): b"\0\1g\0",
    (11, 5): b"\0\1g\0\0\5\xdc\0\0\5\xdc\0\0\xff\xff\0\1c\0\0\0\1\0\1r\0\0\0\1x",
    (12, 3): _MEMBER,
    (13, 1): b"\0\1g\0\1m",
    (14, 3): _MEMBER + b"\0\0\0\1\0\1m\0\0\0\1x",
    (18, 0): b"",
    (22, 4): b"\0\2x\0\0\xea\x60" + b"\xff" * 10 + b"\0",
    (24, 0): b"\0\1x" + b"\0" * 10 + b"\0\0\0\1\0\5trips\0\0\0\1\0\0\0\0",
    (25, 0): b"\0\1x" + b"\0" * 10 + b"\0\1g",
    (26, 1): b"\0\1x" + b"\0" * 10 + b"\1",
}
"""A body of each kind as a client sends it; from it, odd ones are made."""


def _changed(
    kind: tuple[int, int], edits: list[tuple[int, bytes]], client: bytes
) -> tuple[int, int, bytes, bytes]:
    body = bytearray(WHOLE[kind])
    for at, data in edits:
        place = at % (len(body) + 1)
        body[place : place + len(data)] = data
    return (*kind, client, bytes(body))


_ODD = [b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x7f" + b"\xff" * 7]
_EDIT = st.tuples(st.integers(0, 200), st.binary(min_size=1, max_size=2) | st.sampled_from(_ODD))
_BODIES = st.builds(
    _changed, st.sampled_from(sorted(WHOLE)), st.lists(_EDIT, max_size=4), st.binary(max_size=4)
)


def _framed(parts: tuple[int, int, bytes, bytes]) -> bytes:
    key, version, client, body = parts
    head = struct.pack(">hhih", key, version, 7, len(client)) + client
    return struct.pack(">i", len(head) + len(body)) + head + body


_PIECES = _BODIES.map(_framed) | st.binary(max_size=30) | st.just(struct.pack(">i", 1 << 30))
STREAMS = st.tuples(st.lists(_PIECES, max_size=6).map(b"".join), st.integers(1, 40))


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def _requests(pieces: list[bytes]) -> tuple[list[Request], str]:
    reader, found = RequestReader(), []
    try:
        for piece in pieces:
            for request in reader.feed(piece):
                assert len(request.in_words()) < 200
                assert request.is_whole in (True, False)
                assert request.refusal
                found.append(request)
    except ProtocolError as error:
        return found, str(error)
    return found, ""


def _is_read_however_it_is_cut(stream: tuple[bytes, int]) -> None:
    data, size = stream
    assert _requests(_cut(data, size)) == _requests([data])


@cache
def _service() -> KafkaService:
    listener = socket.create_server(("127.0.0.1", 0))
    service = KafkaService(PrivateCluster(find_library()))
    service.attach(listener, listener.getsockname()[1])
    service.create_topic("trips")
    return service


def _cluster_goes_on(stream: tuple[bytes, int]) -> None:
    """Whatever one client says, the next is served at once."""
    data, size = stream
    service = _service()
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", service.port), timeout=2) as client,
    ):
        for piece in _cut(data, max(size, len(data) // 4, 1)):
            client.sendall(piece)
        client.settimeout(0.01)
        client.recv(1 << 16)
    begin = time.monotonic()
    try:
        service.check()
    except BaseException:
        service.close()
        _service.cache_clear()
        raise
    assert time.monotonic() - begin < 2, "the cluster did not answer for 2 s"
    if service.exceeded:
        service.close()
        _service.cache_clear()


assert WHOLE.keys() <= SHAPES.keys()
TARGETS = (
    Target("kafka-requests", STREAMS, _is_read_however_it_is_cut),
    Target("kafka-cluster", STREAMS, _cluster_goes_on, 60),
)
