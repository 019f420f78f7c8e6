"""Public tests of exercise 02, second half: the framing alone, then a real socket."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
from tcp_socket import socket_consumer, split_lines


def line(number: int, zone: str = "Bronx") -> bytes:
    """Return a trip with that number, as the producer sends it."""
    trip = {"event_id": 100_000 + number, "pickup_zone": zone}
    return json.dumps(trip, ensure_ascii=False).encode() + b"\n"


def ids(events: list[dict[str, Any]]) -> list[int]:
    """Return the trips' numbers."""
    return [event["event_id"] - 100_000 for event in events]


@pytest.mark.check("02.framing")
@pytest.mark.parametrize(
    ("buffer", "chunk", "lines", "rest"),
    [
        (b"", b"one\n", [b"one"], b""),
        (b"", b"one", [], b"one"),
        (b"on", b"e\ntw", [b"one"], b"tw"),
        (b"", b"one\ntwo\nthr", [b"one", b"two"], b"thr"),
        (b"one", b"", [], b"one"),
        (b"", b"\n\n", [b"", b""], b""),
    ],
)
def test_split_lines(buffer: bytes, chunk: bytes, lines: list[bytes], rest: bytes) -> None:
    got = split_lines(buffer, chunk)
    assert got == (lines, rest), (
        f"{buffer!r} was left over and {chunk!r} arrives: expected {(lines, rest)}, got {got}"
    )


@pytest.fixture
def port() -> int:
    """Return a port that nothing listens on now."""
    with socket.create_server(("localhost", 0)) as server:
        number: int = server.getsockname()[1]
    return number


def run(
    port: int, produce: Callable[[socket.socket], None], **kwargs: Any
) -> tuple[list[int], Any]:
    """Your consumer against a producer that connects as soon as ready() is called."""
    handled: list[dict[str, Any]] = []
    producers: list[threading.Thread] = []

    def produce_and_close(connection: socket.socket) -> None:
        with connection:
            produce(connection)

    def ready() -> None:
        connection = None
        with contextlib.suppress(ConnectionRefusedError):
            connection = socket.create_connection(("localhost", port), timeout=10)
        if connection is None:
            pytest.fail(
                "a producer that connected inside ready() was refused: nothing listened yet"
            )
        producers.append(threading.Thread(target=produce_and_close, args=[connection], daemon=True))
        producers[-1].start()

    count = error = None
    try:
        count = socket_consumer(handled.append, port=port, ready=ready, **kwargs)
    except TimeoutError as raised:
        error = raised
    assert producers, "the producer connects inside ready(), and ready() was not called"
    if error is not None:
        raise error
    for producer in producers:
        producer.join(10)
    return ids(handled), count


@pytest.mark.check("02.socket-delivers")
def test_events_arrive_however_they_are_cut(port: int) -> None:
    def produce(connection: socket.socket) -> None:
        connection.sendall(line(1) + line(2)[:10])  # one and a bit
        connection.sendall(line(2)[10:])
        for byte in line(3):
            connection.sendall(bytes([byte]))

    handled, count = run(port, produce, max_events=3, timeout=5)
    assert handled == [1, 2, 3], f"three trips were sent, in pieces; handled: {handled}"
    assert count == 3, f"3 events were handled, so return 3, not {count!r}"


@pytest.mark.check("02.socket-stops")
def test_it_stops_in_the_middle_of_a_packet(port: int) -> None:
    handled, _ = run(
        port, lambda c: c.sendall(line(1) + line(2) + line(3)), max_events=2, timeout=5
    )
    assert handled == [1, 2], f"max_events is 2, and one packet held 3; handled: {handled}"


@pytest.mark.check("02.socket-eof")
def test_the_producer_may_close_early(port: int) -> None:
    handled, count = run(port, lambda c: c.sendall(line(1) + line(2)[:9]), max_events=5, timeout=5)
    assert handled == [1], f"one whole line and a piece were sent; handled: {handled}"
    assert count == 1, f"the producer closed after 1 event, so return 1, not {count!r}"


@pytest.mark.check("02.socket-timeout")
def test_nobody_comes(port: int) -> None:
    error = None
    try:
        socket_consumer(lambda _: None, port=port, max_events=1, timeout=0.1)
    except TimeoutError as raised:
        error = raised
    assert error is not None, "nobody came for 0.1 s: expected TimeoutError, but it returned"


@pytest.mark.check("02.socket-reuse")
def test_the_port_is_free_afterwards(port: int) -> None:
    for _ in range(2):
        handled, _ = run(port, lambda c: c.sendall(line(1)), max_events=1, timeout=5)
        assert handled == [1], "a second run on the same port should work like the first"
    with socket.socket() as late:
        refused = late.connect_ex(("127.0.0.1", port)) != 0
    assert refused, f"the consumer has returned, and something still listens on port {port}"
