"""The relay between a sandbox and RabbitMQ."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator

import pytest
from rabbitmq_lab import closed_port

from grader.services.rabbitmq import relay
from grader.services.rabbitmq.relay import Relay


class Upstream:
    """What a relay leads to: a listener that a test accepts on."""

    def __init__(self, max_bytes: int = 1 << 30) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(5)
        front = socket.create_server(("127.0.0.1", 0))
        self.address = front.getsockname()
        self.relay = Relay(front, self.listener.getsockname, max_bytes)
        self._open = contextlib.ExitStack()

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """A client's connection and the server's end of it."""
        client = self._open.enter_context(socket.create_connection(self.address, timeout=5))
        server = self._open.enter_context(self.listener.accept()[0])
        server.settimeout(5)
        return client, server

    def close(self) -> None:
        """Close the relay, the listener and every connection."""
        self.relay.close()
        self.listener.close()
        self._open.close()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A relay before a listener."""
    made = Upstream()
    yield made
    made.close()


def send_all(connection: socket.socket, data: bytes) -> None:
    """Everything, and the end."""
    connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side's end."""
    with connection.makefile("rb") as stream:
        return stream.read()


def test_bytes_go_both_ways_at_once(upstream: Upstream) -> None:
    """Megabytes in both directions at the same time arrive whole, and are counted."""
    client, server = upstream.connect()
    up, down = os.urandom(3 << 20), os.urandom(2 << 20)
    senders = [
        threading.Thread(target=send_all, args=way) for way in ((client, up), (server, down))
    ]
    got: dict[str, bytes] = {}
    readers = [
        threading.Thread(target=lambda: got.update(up=read_all(server))),
        threading.Thread(target=lambda: got.update(down=read_all(client))),
    ]
    for thread in senders + readers:
        thread.start()
    for thread in senders + readers:
        thread.join(20)
    assert (got["up"], got["down"]) == (up, down)
    assert (upstream.relay.bytes_up, upstream.relay.bytes_down) == (len(up), len(down))


def test_a_side_that_does_not_read_holds_the_other_back(upstream: Upstream) -> None:
    """Back pressure: the relay does not take what it cannot pass on."""
    client, server = upstream.connect()
    client.setblocking(False)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        for _ in range(2000):
            sent += client.send(b"x" * 65536)
            upstream.relay.open_connections  # noqa: B018 - lets the relay take what it will
    assert sent < 64 << 20
    assert upstream.relay.bytes_up < 32 << 20
    client.close()
    assert len(read_all(server)) == sent


def test_an_end_in_one_direction_leaves_the_other_open(upstream: Upstream) -> None:
    """Half-close: a client that has sent everything still gets the answer."""
    client, server = upstream.connect()
    client.sendall(b"question")
    client.shutdown(socket.SHUT_WR)
    assert read_all(server) == b"question"
    server.sendall(b"answer")
    server.close()
    assert read_all(client) == b"answer"
    assert upstream.relay.wait_closed(5)


def test_open_connections_are_those_open_now(upstream: Upstream) -> None:
    """Counted at once, also before the relay's thread came to accept them."""
    clients = [socket.create_connection(upstream.address) for _ in range(5)]
    assert upstream.relay.open_connections == 5
    assert not upstream.relay.wait_closed(0)
    servers = [upstream.listener.accept()[0] for _ in clients]
    for each in (*clients, *servers):
        each.close()
    assert upstream.relay.wait_closed(5)
    assert upstream.relay.open_connections == 0


def test_dropped_connections_are_reset_on_both_sides(upstream: Upstream) -> None:
    """As a broker's crash looks: an error, not an orderly end; new connections are served."""
    client, server = upstream.connect()
    assert upstream.relay.drop_connections() == 1
    for side in (client, server):
        with pytest.raises(ConnectionResetError):
            side.recv(1)
    again, server = upstream.connect()
    again.sendall(b"x")
    assert server.recv(1) == b"x"


def test_a_last_word_reaches_the_client_and_nothing_after_it(upstream: Upstream) -> None:
    """What either side says then goes nowhere; the server is told when the client has closed."""
    client, server = upstream.connect()
    client.sendall(b"x")
    assert server.recv(1) == b"x"
    assert upstream.relay.part(b"bye") == 1
    server.sendall(b"more")
    client.sendall(b"bye to you")
    client.shutdown(socket.SHUT_WR)
    assert read_all(server) == b""
    server.close()
    assert read_all(client) == b"bye"
    assert upstream.relay.wait_closed(5)


def test_nobody_upstream_is_a_cut_connection() -> None:
    """The consumer sees a broker that goes away, and nothing stays open."""
    front = socket.create_server(("127.0.0.1", 0))
    port = closed_port()
    relay = Relay(front, lambda: ("127.0.0.1", port), 1 << 20)
    with (
        pytest.raises(ConnectionResetError),
        socket.create_connection(front.getsockname(), timeout=5) as client,
    ):
        client.recv(1)
    assert relay.open_connections == 0
    relay.close()


def test_a_flood_is_cut_off() -> None:
    """One submission cannot fill the broker that all share: beyond the limit it is cut off."""
    upstream = Upstream(max_bytes=1 << 20)
    client, server = upstream.connect()
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        while True:
            client.sendall(b"x" * 65536)
            server.recv(65536)
    assert upstream.relay.exceeded
    with (
        pytest.raises(ConnectionResetError),
        socket.create_connection(upstream.address, timeout=5) as another,
    ):
        another.recv(1)
    upstream.close()


def test_so_many_connections_are_enough(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more is cut off before the broker sees it; when another has gone there is room."""
    monkeypatch.setattr(relay, "_MAX_CONNECTIONS", 2)
    upstream.connect()
    _, second = upstream.connect()
    with (
        contextlib.suppress(ConnectionResetError),
        socket.create_connection(upstream.address, timeout=5) as third,
    ):
        assert third.recv(1) == b""
    assert upstream.relay.open_connections == 2
    second.shutdown(socket.SHUT_RDWR)
    upstream.relay.drop_connections()
    upstream.connect()


def test_a_closed_relay_neither_listens_nor_holds(upstream: Upstream) -> None:
    """After close, twice, connections are cut and new ones refused."""
    client, _ = upstream.connect()
    upstream.relay.close()
    upstream.relay.close()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(upstream.address)


def test_redeliveries_are_counted(upstream: Upstream) -> None:
    """What the broker marks as delivered before; a first delivery does not count."""
    client, server = upstream.connect()
    for redelivered in (b"\x01", b"\x00", b"\x01"):
        payload = b"\x00\x3c\x00\x3c\x03tag" + (9).to_bytes(8, "big") + redelivered + b"\x00\x00"
        server.sendall(b"\x01\x00\x01" + len(payload).to_bytes(4, "big") + payload + b"\xce")
    server.shutdown(socket.SHUT_WR)
    read_all(client)
    assert upstream.relay.redelivered == 2
