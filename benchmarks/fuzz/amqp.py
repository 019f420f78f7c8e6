"""Inputs for what looks at AMQP on its way to RabbitMQ."""

from __future__ import annotations

import struct
from typing import Any

from hypothesis import strategies as st
from pika import spec

from benchmarks.fuzz.target import Target
from grader.services.rabbitmq.amplification import AmplificationGuard
from grader.services.rabbitmq.words import Words

_NAMES = st.sampled_from(["", "a", "b", "c", "amq.topic", "#", "a.*"]) | st.text(max_size=20)
_TABLES = st.dictionaries(
    st.sampled_from(["CC", "BCC", "x-dead-letter-exchange", "x-max-priority"])
    | st.text(max_size=8),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=5,
    ),
    max_size=4,
)
_METHODS = st.one_of(
    st.builds(spec.Queue.Declare, queue=_NAMES, arguments=_TABLES),
    st.builds(spec.Queue.Bind, queue=_NAMES, exchange=_NAMES, routing_key=_NAMES),
    st.builds(
        spec.Exchange.Declare,
        exchange=_NAMES,
        type=st.sampled_from(["direct", "fanout", "topic", "headers", "x"]),
    ),
    st.builds(spec.Exchange.Bind, destination=_NAMES, source=_NAMES, routing_key=_NAMES),
    st.builds(spec.Basic.Publish, exchange=_NAMES, routing_key=_NAMES),
    st.builds(
        spec.Basic.Deliver,
        consumer_tag=_NAMES,
        delivery_tag=st.integers(0, 2**63),
        exchange=_NAMES,
        routing_key=_NAMES,
    ),
)
_PROPERTIES = st.builds(
    spec.BasicProperties,
    content_type=st.none() | st.text(max_size=5),
    content_encoding=st.none() | st.text(max_size=5),
    headers=st.none() | _TABLES,
    delivery_mode=st.none() | st.just(2),
)


def _frame(kind: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", kind, 1, len(payload)) + payload + b"\xce"


def _method(method: Any) -> bytes:
    return _frame(1, method.INDEX.to_bytes(4, "big") + b"".join(method.encode()))


def _header(properties: spec.BasicProperties) -> bytes:
    return struct.pack(">HHQ", 60, 0, 10) + b"".join(properties.encode())


_FRAMES = (
    _METHODS.map(_method)
    | _PROPERTIES.map(lambda properties: _frame(2, _header(properties)))
    | st.builds(_frame, st.sampled_from([1, 2, 3, 8]), st.binary(max_size=60))
    | st.binary(max_size=20)
)
STREAMS = st.tuples(st.lists(_FRAMES, max_size=12).map(b"".join), st.integers(1, 50))


def _read(data: bytes, size: int) -> tuple[Any, ...]:
    copies = AmplificationGuard()
    words = Words(copies.see, copies.see_header)
    pieces = (data[start : start + size] for start in range(0, len(data), size))
    said = [text for piece in pieces for text in words.feed(piece)]
    return said, copies.count, copies.cost, copies.multiplies


def _is_read_however_it_is_cut(stream: tuple[bytes, int]) -> None:
    data, size = stream
    whole = b"AMQP\0\0\x09\x01" + data
    assert _read(whole, size) == _read(whole, len(whole))


def _names_no_other_queue_unseen(properties: spec.BasicProperties) -> None:
    """Seen is what is there, and nothing else."""
    copies = AmplificationGuard()
    copies.see_header(_header(properties))
    assert copies.multiplies == bool({"CC", "BCC"} & set(properties.headers or ()))


TARGETS = (
    Target("amqp-streams", STREAMS, _is_read_however_it_is_cut),
    Target("amqp-headers", _PROPERTIES, _names_no_other_queue_unseen),
)
