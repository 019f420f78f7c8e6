"""Exercise 02, second half: asyncio's streams; the caller's code runs outside of the loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]
NO_LIMIT = 2**40


def split_lines(buffer: bytes, chunk: bytes) -> tuple[list[bytes], bytes]:
    """Cut lines out of a byte stream."""
    lines = (buffer + chunk).split(b"\n")
    return lines[:-1], lines[-1]


def parse(line: bytes) -> Event | None:
    """Return the event on a line, or None."""
    try:
        value = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


class Listener:
    """Listens, and keeps the first connection; later ones are closed at once."""

    def __init__(self) -> None:
        self.server: asyncio.Server | None = None
        self.streams: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.connected: asyncio.Event | None = None

    def on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.streams:
            writer.close()
            return
        self.streams.append((reader, writer))
        self.connected.set()

    async def open(self, host: str, port: int) -> None:
        self.connected = asyncio.Event()
        self.server = await asyncio.start_server(self.on_connection, host, port, limit=NO_LIMIT)

    async def reader(self, timeout: float) -> asyncio.StreamReader:
        await asyncio.wait_for(self.connected.wait(), timeout)
        return self.streams[0][0]

    async def close(self) -> None:
        for _, writer in self.streams:
            writer.transport.abort()
        if self.server is not None:
            self.server.close()
            await self.server.wait_closed()
        await asyncio.sleep(0)


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
    listener = Listener()
    with asyncio.Runner() as runner:
        try:
            runner.run(listener.open(host, port))
            ready()
            reader = runner.run(listener.reader(timeout))
            while handled < max_events:
                line = runner.run(asyncio.wait_for(reader.readline(), timeout))
                if not line.endswith(b"\n"):
                    break
                event = parse(line)
                if event is not None:
                    handle(event)
                    handled += 1
        finally:
            runner.run(listener.close())
    return handled
