"""Exercise 02, second half: a TCP server that takes events from one producer."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]


def split_lines(buffer: bytes, chunk: bytes) -> tuple[list[bytes], bytes]:
    """Cut lines out of a byte stream."""
    *lines, rest = (buffer + chunk).split(b"\n")
    return lines, rest


class LineBuffer:
    """Collects chunks and gives out the complete lines."""

    pending = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        lines, rest = split_lines(bytes(self.pending), chunk)
        self.pending[:] = rest
        return lines


def parse(line: bytes) -> Event | None:
    """Return the event on a line, or None."""
    try:
        value = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def socket_consumer(
    handle: Callable[[Event], None],
    *,
    host: str = "localhost",
    port: int = 9999,
    max_events: int,
    timeout: float = 30.0,
    ready: Callable[[], None] = lambda: None,
) -> int:
    """Listen on `host`:`port`, accept one producer, and handle what it sends."""
    handled = 0
    with socket.create_server((host, port)) as server:
        server.settimeout(timeout)
        ready()
        connection, _ = server.accept()
        with connection:
            connection.settimeout(timeout)
            buffer = LineBuffer()
            while chunk := connection.recv(65536):
                for line in buffer.feed(chunk):
                    event = parse(line)
                    if event is None:
                        continue
                    handle(event)
                    handled += 1
                    if handled >= max_events:
                        buffer.pending.clear()
                        return handled
    return handled
