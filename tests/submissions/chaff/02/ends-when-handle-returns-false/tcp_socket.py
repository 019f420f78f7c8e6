"""A server, a framer, a session."""

from __future__ import annotations

import json
import select
import socket


class LineFramer:
    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        lines, self._rest = split_lines(self._rest, chunk)
        return lines


def split_lines(buffer, chunk):
    pieces = (buffer + chunk).split(b"\n")
    last = pieces.pop()
    return pieces, last


class Deadline:
    """How long one wait may take."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def wait_for(self, sock: socket.socket) -> None:
        readable, _, _ = select.select([sock], [], [], self._seconds)
        if not readable:
            raise TimeoutError(f"nothing came for {self._seconds} s")


class Session:
    def __init__(self, sock: socket.socket, deadline: Deadline, handle, max_events: int) -> None:
        self._socket = sock
        self._deadline = deadline
        self._handle = handle
        self._max_events = max_events
        self._framer = LineFramer()
        self._count = 0

    def run(self) -> int:
        while self._count < self._max_events:
            self._deadline.wait_for(self._socket)
            chunk = self._socket.recv(65536)
            if not chunk:
                break
            for line in self._framer.feed(chunk):
                if self._count < self._max_events:
                    self._process(line)
        return self._count

    def _process(self, line: bytes) -> None:
        try:
            value = json.loads(line)
        except ValueError:
            return
        if isinstance(value, dict):
            if self._handle(value) is False:
                self._max_events = self._count
                return
            self._count += 1


class EventServer:
    def __init__(self, host: str, port: int) -> None:
        self._server = socket.create_server((host, port))

    def __enter__(self) -> EventServer:
        return self

    def __exit__(self, *_) -> None:
        self._server.close()

    def accept(self, deadline: Deadline) -> socket.socket:
        deadline.wait_for(self._server)
        return self._server.accept()[0]


def socket_consumer(
    handle, *, host="localhost", port=9999, max_events, timeout=30.0, ready=lambda: None
):
    deadline = Deadline(timeout)
    with EventServer(host, port) as server:
        ready()
        with server.accept(deadline) as connection:
            return Session(connection, deadline, handle, max_events).run()
