"""Exercise 02."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]
CHUNK = 1 << 16


def split_lines(buffer: bytes, chunk: bytes) -> tuple[list[bytes], bytes]:
    """Return the complete lines in `buffer + chunk`, without newlines, and the rest."""
    *lines, rest = (buffer + chunk).split(b"\n")
    return lines, rest


def socket_consumer(
    handle: Callable[[Event], None],
    *,
    host: str = "localhost",
    port: int = 9999,
    max_events: int,
    timeout: float = 30.0,
    ready: Callable[[], None] = lambda: None,
) -> int:
    """Listen, accept one producer, and handle its events until enough came or it closes."""
    # create_server sets SO_REUSEADDR where it means "also while old connections linger".
    with socket.create_server((host, port)) as server:
        server.settimeout(timeout)
        ready()
        connection, _ = server.accept()
        with connection:
            connection.settimeout(timeout)
            return _consume(connection, handle, max_events)


def _consume(connection: socket.socket, handle: Callable[[Event], None], max_events: int) -> int:
    handled = 0
    rest = b""
    while chunk := connection.recv(CHUNK):
        lines, rest = split_lines(rest, chunk)
        for line in lines:
            event = _event(line)
            if event is None:
                continue
            handle(event)
            handled += 1
            if handled == max_events:
                return handled
    return handled


def _event(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
