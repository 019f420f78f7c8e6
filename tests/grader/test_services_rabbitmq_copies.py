"""Copies that a submission lets the broker make of a message."""

from __future__ import annotations

import pytest
from pika import spec
from pika.amqp_object import Method

from grader.services.rabbitmq.amplification import Copies
from grader.services.rabbitmq.words import Words


def copies(*methods: Method) -> int:
    """What these methods amount to, as they go over the wire."""
    seen = Copies()
    words = Words(seen.see)
    for method in methods:
        payload = method.INDEX.to_bytes(4, "big") + b"".join(method.encode())
        list(words.feed(b"\x01\x00\x01" + len(payload).to_bytes(4, "big") + payload + b"\xce"))
    return seen.count


def bind(queue: str, exchange: str, key: str = "") -> Method:
    """A queue.bind."""
    return spec.Queue.Bind(queue=queue, exchange=exchange, routing_key=key)


def queues(*names: str) -> list[Method]:
    """Declarations of queues whose dead letters go on."""
    onward = {"x-dead-letter-exchange": "x"}
    return [spec.Queue.Declare(queue=name, arguments=onward) for name in names]


AB = queues("a", "b", "c")
DIRECT = spec.Exchange.Declare(exchange="x", type="direct")
FANOUT = spec.Exchange.Declare(exchange="x", type="fanout")


@pytest.mark.parametrize(
    ("methods", "count"),
    [
        ([*AB, FANOUT, bind("a", "x"), bind("a", "x"), bind("a", "x", "other")], 0),
        ([*AB, FANOUT, bind("a", "x"), bind("b", "x", "k")], 1),
        ([FANOUT, bind("a", "x"), bind("b", "x"), *AB], 1),
        ([FANOUT, *(bind(f"{number}.dead", "x") for number in range(50))], 0),
        ([FANOUT, bind("", "x"), bind("", "x"), bind("amq.gen-1", "x")], 2),
        ([*AB, DIRECT, bind("a", "x", "a"), bind("b", "x", "b")], 0),
        ([*AB, DIRECT, bind("a", "x", "k"), bind("b", "x", "k"), bind("c", "x", "k")], 2),
        ([*AB, bind("a", "amq.fanout"), bind("b", "amq.fanout")], 1),
        ([*AB, bind("a", "amq.direct", "a"), bind("b", "amq.direct", "b")], 0),
        ([spec.Exchange.Bind(destination="x", source="y")], 1),
        ([spec.Basic.Publish(exchange="x", routing_key="k")], 0),
    ],
)
def test_bindings_that_reach_more_than_one_queue_are_copies(
    methods: list[Method], count: int
) -> None:
    """The same queue twice is one; a direct exchange tells routing keys apart, no other does.

    A queue that keeps its dead letters makes none: everybody may share a dead-letter exchange.
    """
    assert copies(*methods) == count


@pytest.mark.parametrize("payload", [b"", b"\x00\x32\x00\x14", b"\x00\x32\x00\x14\x00\x00\xff"])
def test_a_method_cut_short_is_no_error(payload: bytes) -> None:
    """The broker refuses it."""
    seen = Copies()
    seen.see(payload)
    assert seen.count == 0
