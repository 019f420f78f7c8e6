"""A TCP socket on which one producer writes lines."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar

from grader.compare.place import Place
from grader.compare.processes.counts import Count
from grader.compare.techniques.technique import Call, Handle, Opinions, Ready, Technique
from grader.host.ports import free_ports

if TYPE_CHECKING:
    from event_sinks.base import Sink

_HOST = "127.0.0.1"


class TcpSocket(Technique):
    """The second half of exercise 02."""

    id: ClassVar[str] = "socket"
    title: ClassVar[str] = "socket"
    exercise: ClassVar[str] = "02"
    file: ClassVar[str] = "tcp_socket.py"
    function: ClassVar[str] = "socket_consumer"
    keeps: ClassVar[bool] = False
    burst: ClassVar[int] = 80_000
    lines_at_once: ClassVar[int] = 1000
    machines: ClassVar[str] = "TCP"
    opinions: ClassVar[Opinions] = Opinions(
        latency="very low",
        keeps="no",
        reliability="fragile",
        consumers="by hand",
    )

    @staticmethod
    def bare(
        handle: Handle, *, host: str, port: int, max_events: int, ready: Ready, **_: Any
    ) -> None:
        """Read one producer as a file of lines."""
        with socket.create_server((host, port)) as server:
            ready()
            connection, _address = server.accept()
            with connection, connection.makefile("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    handle(json.loads(line))
                    if number == max_events:
                        return

    def bind(self, function: Callable[..., object], place: Place, requests: Count) -> Call:  # noqa: ARG002 - it asks nobody
        """Pass the address to listen on."""

        def call(handle: Handle, ready: Ready, most: int) -> None:
            function(handle, host=_HOST, port=place.port, max_events=most, ready=ready)

        return call

    def sink(self, place: Place) -> Sink:
        """Connect to the consumer."""
        from event_sinks.local import SocketSink  # noqa: PLC0415 - importable in a producer alone

        return SocketSink(_HOST, place.port)

    def port(self) -> int:
        """Choose a free one."""
        (port,) = free_ports(0)
        return port

    def company(self, place: Place) -> AbstractContextManager[object]:
        """Connect as a producer that has nothing to say."""
        return socket.create_connection((_HOST, place.port))
