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
            return _consume(connection, handle, max_events, b"")


def _consume(connection: socket.socket, handle: Callable[[Event], None], left: int, rest: bytes) -> int:
    chunk = connection.recv(CHUNK)
    if not chunk:
        return 0
    lines, rest = split_lines(rest, chunk)
    events = [event for event in map(_event, lines) if event is not None][:left]
    for event in events:
        handle(event)
    if len(events) == left:
        return left
    return len(events) + _consume(connection, handle, left - len(events), rest)


def _event(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
