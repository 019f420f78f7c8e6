"""Copies that a submission lets the broker make of a message."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from pika import spec
from pika.amqp_object import Method

from grader.services.rabbitmq.amplification import AmplificationGuard
from grader.services.rabbitmq.words import Words


def seen_in(*said: Method | bytes) -> AmplificationGuard:
    """What these methods, and content headers as bytes, amount to as they go over the wire."""
    seen = AmplificationGuard()
    words = Words(seen.see, seen.see_header)
    for each in said:
        if isinstance(each, bytes):
            kind, payload = b"\x02", each
        else:
            kind, payload = b"\x01", each.INDEX.to_bytes(4, "big") + b"".join(each.encode())
        list(words.feed(kind + b"\x00\x01" + len(payload).to_bytes(4, "big") + payload + b"\xce"))
    return seen


def copies(*methods: Method) -> int:
    """How many copies these methods let the broker make."""
    return seen_in(*methods).count


def header(size: int = 0, **properties: Any) -> bytes:
    """The content header of a message."""
    return b"".join(
        [struct.pack(">HHQ", 60, 0, size), *spec.BasicProperties(**properties).encode()]
    )


def bind(queue: str, exchange: str, key: str = "") -> Method:
    """A queue.bind."""
    return spec.Queue.Bind(queue=queue, exchange=exchange, routing_key=key)


def queues(*names: str) -> list[Method]:
    """Declarations of queues whose dead letters go on."""
    onward = {"x-dead-letter-exchange": "x"}
    return [spec.Queue.Declare(queue=name, arguments=onward) for name in names]


AB = queues("a", "b", "c")
DIRECT = spec.Exchange.Declare(exchange="x", type="direct")
TOPIC = spec.Exchange.Declare(exchange="x", type="topic")
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
        ([*AB, TOPIC, bind("a", "x", "a"), bind("b", "x", "b")], 0),
        ([*AB, TOPIC, bind("a", "x", "a"), bind("b", "x", "b"), bind("c", "x", "#")], 2),
        ([*AB, FANOUT, DIRECT, bind("a", "x", "a"), bind("b", "x", "b")], 1),
        ([*AB, DIRECT, bind("a", "x", "a"), bind("b", "x", "b"), FANOUT], 1),
        ([spec.Exchange.Bind(destination="x", source="y")], 1),
        ([spec.Basic.Publish(exchange="x", routing_key="k")], 0),
    ],
)
def test_bindings_that_reach_more_than_one_queue_are_copies(
    methods: list[Method], count: int
) -> None:
    """The same queue twice is one; a direct or topic exchange tells routing keys apart, no other.

    One that was ever declared as another type does not: the broker may have refused either.

    A queue that keeps its dead letters makes none: everybody may share a dead-letter exchange.
    """
    assert copies(*methods) == count


@pytest.mark.parametrize("payload", [b"", b"\x00\x32\x00\x14", b"\x00\x32\x00\x14\x00\x00\xff"])
def test_a_method_cut_short_is_no_error(payload: bytes) -> None:
    """The broker refuses it."""
    seen = AmplificationGuard()
    seen.see(payload)
    assert seen.count == 0


@pytest.mark.parametrize(
    ("properties", "multiplies"),
    [
        ({}, False),
        ({"content_type": "application/json", "delivery_mode": 2}, False),
        ({"content_type": "a", "headers": {"zone": "Sé", "n": 7, "deep": {"CC": ["x"]}}}, False),
        ({"headers": {"text": "CC", "list": [1, "BCC"], "none": None}}, False),
        ({"headers": {"CC": ["a", "b"]}}, True),
        ({"content_type": "a", "content_encoding": "b", "headers": {"n": 1, "BCC": ["a"]}}, True),
    ],
)
def test_a_header_that_names_more_queues_is_seen(
    properties: dict[str, Any],
    multiplies: bool,  # noqa: FBT001 - a case
) -> None:
    """CC and BCC at the top of the headers; not as values, and not further down."""
    assert seen_in(header(**properties)).multiplies is multiplies


def test_a_value_of_an_unknown_type_is_refused() -> None:
    """Nobody knows where it ends, and a CC may come after it."""
    assert seen_in(header(headers={"n": 1}).replace(b"\x01nI", b"\x01n?")).multiplies


@pytest.mark.parametrize("cut", [0, 5, 13, 15, 20])
def test_headers_that_end_too_early_are_refused(cut: int) -> None:
    """The broker might read on where the grader stops."""
    payload = header(content_type="application/json", headers={"CC": ["a"]})
    assert seen_in(payload[:cut]).multiplies


def test_what_the_broker_keeps_costs() -> None:
    """Channels, consumers, queues, priorities; a message for each queue that a fanout reaches."""
    consume = spec.Basic.Consume(queue="a", consumer_tag="t")
    assert seen_in(*[consume] * 5000).cost > 64 << 20
    many = {"x-max-priority": 255}
    priorities = [spec.Queue.Declare(queue=f"q{n}", arguments=many) for n in range(20)]
    assert seen_in(*priorities).cost > 20 * 255 * 10_000
    bindings = [FANOUT, *(bind(f"q{number}", "x") for number in range(100))]
    before = seen_in(*bindings).cost
    assert seen_in(*bindings, header(50_000)).cost - before > 99 * 50_000
    assert seen_in(header(50_000)).cost < 1000


def test_an_honest_submission_costs_little() -> None:
    """Some hundred queues with their dead-letter queues, and a thousand messages of half a MB."""
    said: list[Method | bytes] = []
    for number in range(100):
        said += [
            spec.Channel.Open(),
            *queues(f"q{number}"),
            spec.Queue.Declare(queue=f"q{number}.dead"),
        ]
        said += [bind(f"q{number}.dead", "amq.direct", f"q{number}")]
        said += [spec.Basic.Consume(queue=f"q{number}"), *[header(500_000)] * 10]
    seen = seen_in(*said)
    assert seen.cost < 16 << 20
    assert (seen.count, seen.multiplies) == (0, False)
