"""AMQP in words: whole frames, split frames, and what is no AMQP at all."""

from __future__ import annotations

import struct

import pytest

from grader.services.rabbitmq.words import Words


def frame(kind: int, payload: bytes) -> bytes:
    """A frame on channel 1."""
    return struct.pack(">BHI", kind, 1, len(payload)) + payload + b"\xce"


def method(class_id: int, method_id: int, arguments: bytes = b"") -> bytes:
    """A method frame."""
    return frame(1, struct.pack(">HH", class_id, method_id) + arguments)


STREAM = (
    b"AMQP\x00\x00\x09\x01"
    + method(60, 20)
    + frame(2, b"a header")
    + frame(3, b"a body \xce")
    + method(60, 80, struct.pack(">QB", 7, 0))
    + method(60, 60, b"\x03tag" + struct.pack(">QB", 9, 1))
    + method(60, 71, struct.pack(">QB", 10, 1))
    + method(60, 90, struct.pack(">QB", 10, 1))
    + frame(8, b"")
)


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_methods_are_named_however_the_stream_is_cut(size: int) -> None:
    """With delivery tags, and whether a delivery came before."""
    words = Words()
    said = [
        text
        for start in range(0, len(STREAM), size)
        for text in words.feed(STREAM[start : start + size])
    ]
    assert said == [
        "basic.consume",
        "basic.ack 7",
        "basic.deliver 9 (redelivered)",
        "basic.get-ok 10 (redelivered)",
        "basic.reject 10",  # its bit says that the message goes back
    ]


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"\x01\x00\x01\xff\xff\xff\xff" * 9])
def test_what_is_no_amqp_is_passed_over(data: bytes) -> None:
    """Nothing is said, nothing is kept, nothing breaks."""
    words = Words()
    assert list(words.feed(data)) == []
    assert list(words.feed(STREAM)) == []


def test_a_method_cut_short_is_no_error() -> None:
    """Frames of a hostile submission end where it likes."""
    cut = method(60, 80) + method(60, 60) + frame(1, b"\x00")
    assert list(Words().feed(cut)) == ["basic.ack", "basic.deliver"]
