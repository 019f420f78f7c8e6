"""A connection that the relay carries: both its directions, and what waits in each."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import struct
from collections.abc import Iterator

from grader.services.gate import Packet
from grader.services.rabbitmq.amplification import AmplificationGuard
from grader.services.rabbitmq.words import Words

_BUFFERED = 256 << 10
"""Bytes kept for a side that does not read; then the other side is not read either."""
_ABRUPT = struct.pack("ii", 1, 0)
"""SO_LINGER: on, no seconds: closing sends RST."""

_ANSWERS = {"basic.ack": "confirms", "basic.nack": "refuses"}
"""What the broker says of messages that were published, by the method that says it."""


class Way:
    """One direction of a connection: what was read from `source` and not yet sent to `target`."""

    def __init__(self, source: socket.socket, target: socket.socket, words: Words) -> None:
        self.source = source
        self.target = target
        self.waiting = bytearray()
        self.arrived = bytearray()
        """What was read and may not go on yet."""
        self.begins = 0
        """Where that begins, in bytes since the connection's begin."""
        self.methods: Iterator[str] = iter(())
        """What of that is still to be asked for at the gate."""
        self.held = ""
        """The method that the gate holds."""
        self.words = words
        self.ended = False
        """`source` will send no more."""
        self.closed = False
        """`target` was told so."""


class ConnectionPair:
    """A connection from the sandbox and its continuation to the broker."""

    def __init__(
        self,
        client: socket.socket,
        server: socket.socket,
        copies: AmplificationGuard,
        *,
        connected: bool,
    ) -> None:
        self.client = client
        self.server = server
        self.connected = connected
        self.vanishes = False
        """Whether what is read goes nowhere any more: its process was killed at a stop."""
        self.up = Way(client, server, Words(copies.see, copies.see_header))
        self.down = Way(server, client, Words())

    def wanted(self, side: socket.socket) -> int:
        """Return what to wait for on that side."""
        reads, writes = (self.up, self.down) if side is self.client else (self.down, self.up)
        if side is self.server and not self.connected:
            return selectors.EVENT_WRITE
        events = 0
        if not (reads.ended or reads.held) and len(reads.waiting) < _BUFFERED:
            events |= selectors.EVENT_READ
        if writes.waiting:
            events |= selectors.EVENT_WRITE
        return events


def packet(said: str, *, up: bool) -> Packet:
    """Return a method as a packet; in words, the broker's acknowledgements are confirms."""
    name, _, rest = said.partition(" ")
    if not up and name in _ANSWERS:
        said = f"{_ANSWERS[name]} {rest} ({name})"
    return Packet("RabbitMQ", name, up, said)


def check_connected(side: socket.socket) -> None:
    """Raise what came of a connect that did not finish at once; see connect(2)."""
    if problem := side.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(problem, os.strerror(problem))


def close_socket(side: socket.socket, *, abruptly: bool) -> None:
    """Close it; `abruptly` as a crash would, with RST."""
    with contextlib.suppress(OSError):
        if abruptly:
            side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPT)
        side.close()
