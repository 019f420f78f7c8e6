"""A client's requests as the front cuts them."""

from __future__ import annotations

import struct

import pytest
from kafka_lab import request

from grader.services.kafka.protocol import (
    MAX_REQUEST,
    ProtocolError,
    RequestReader,
)


def test_requests_are_cut_at_any_byte() -> None:
    """However the bytes arrive, the same requests come out, with the bytes that they came in."""
    wanted = [
        request(3, b"topics"),
        request(18, client=b""),
        request(8, b"\x00\x05fares" + b"x" * 30),
    ]
    data = b"".join(wanted)
    for size in range(1, len(data) + 1):
        reader = RequestReader()
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        found = [each for piece in pieces for each in reader.feed(piece)]
        assert [each.raw for each in found] == wanted
        assert [each.name for each in found] == ["Metadata", "ApiVersions", "OffsetCommit"]
        assert [each.group for each in found] == ["", "", "fares"]


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">i", 0x7FFFFFFF),
        struct.pack(">i", MAX_REQUEST + 1),
        struct.pack(">i", -1),
        struct.pack(">i", 3) + b"abc",
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">ihhih", 10, -1, 0, 7, 0),
        struct.pack(">ihhih", 10, 3, -1, 7, 0),
        struct.pack(">ihhih", 10, 3, 0, 7, 500),
        struct.pack(">ihhih", 10, 3, 0, 7, -2),
    ],
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    """Lengths that would cost the grader its memory, another protocol, a client's id too long."""
    with pytest.raises(ProtocolError):
        list(RequestReader().feed(data))


@pytest.mark.parametrize("key", [8, 9, 11, 12, 13, 14])
def test_a_groups_name_may_be_cut_off(key: int) -> None:
    """Whatever follows the header, there is an answer: a text, or none."""
    for version in range(12):
        for body in (b"", b"\x00", b"\xff\xff", b"\x00\x7fx", b"\x00\x00\x05a", b"\x80\x80"):
            (found,) = RequestReader().feed(request(key, body, version))
            assert isinstance(found.group, str)
