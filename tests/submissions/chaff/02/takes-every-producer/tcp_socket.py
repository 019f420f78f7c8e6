"""Exercise 02, second half: a TCP server that takes events from one producer."""

from __future__ import annotations

import json
import selectors
import socket
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]


def _parse(line: bytes) -> Event | None:
    """Return the event of one line, or None where there is none."""
    if not line.strip():
        return None
    try:
        value = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def split_lines(buffer: bytes, chunk: bytes) -> tuple[list[bytes], bytes]:
    """Cut lines out of a byte stream."""
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
    """Listen on `host`:`port`, accept one producer, and handle what it sends."""
    handled = 0
    rests: dict[socket.socket, bytes] = {}
    with selectors.DefaultSelector() as selector, socket.create_server((host, port)) as server:
        selector.register(server, selectors.EVENT_READ)
        ready()
        try:
            while True:
                selected = selector.select(timeout)
                if not selected:
                    raise TimeoutError("no producer, or a silent one")
                for key, _ in selected:
                    if key.fileobj is server:
                        connection, _ = server.accept()
                        rests[connection] = b""
                        selector.register(connection, selectors.EVENT_READ)
                        continue
                    connection = key.fileobj
                    chunk = connection.recv(65536)
                    if not chunk:
                        selector.unregister(connection)
                        connection.close()
                        del rests[connection]
                        if not rests:
                            return handled
                        continue
                    lines, rests[connection] = split_lines(rests[connection], chunk)
                    for line in lines:
                        event = _parse(line)
                        if event is None:
                            continue
                        handle(event)
                        handled += 1
                        if handled >= max_events:
                            return handled
        finally:
            for connection in rests:
                connection.close()
