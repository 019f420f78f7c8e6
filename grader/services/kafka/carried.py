"""One connection of a submission's, carried to its cluster request by request."""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
from collections.abc import Callable
from functools import partial
from typing import Protocol

from grader.services.kafka.protocol import (
    FIND_COORDINATOR,
    MAX_ANSWER,
    METADATA,
    PRODUCE,
    FrameReader,
    ProtocolError,
    Request,
    RequestReader,
    number_of,
)

_CHUNK = 64 << 10
_SETTLED_WITHIN = 2.0
"""Seconds for the cluster to answer what came before a request that is stopped."""
_HOST = b"127.0.0.1"
"""How the cluster and the submission call where it is; ports differ."""
_PORT = struct.Struct(">i")
_NUMBERS = itertools.count(1)


class Rules(Protocol):
    """The rules for all connections of a submission's together."""

    def count(self, *, up: int = 0, down: int = 0) -> bool:
        """Count bytes; tell whether the submission may send and get more."""

    def see(self, request: Request, settle: Callable[[], None], connection: int) -> bool:
        """Show a request to who watches; tell whether it may go on. `settle` waits for answers."""

    def admit(self, request: Request) -> bool:
        """Count a request; tell whether the cluster is to get it."""

    def take_turn(self, request: Request, send: Callable[[], None]) -> None:
        """Send a request when it is its turn."""

    def hear(self, request: Request, answer: bytes) -> None:
        """Show an answer to who watches, before the client gets it."""

    def malformed(self, error: ProtocolError) -> None:
        """Keep what came that is no request."""


class Carried:
    """A client's socket and the cluster's."""

    def __init__(
        self, client: socket.socket, server: socket.socket, rules: Rules, ports: tuple[int, int]
    ) -> None:
        """Make it ready to run.

        Args:
            client: the submission's end.
            server: the cluster's.
            rules: the front's.
            ports: where the cluster serves, and where the submission finds it.
        """
        self._number = next(_NUMBERS)
        self._client = client
        self._server = server
        self._rules = rules
        self._inside = _HOST + _PORT.pack(ports[0])
        self._outside = _HOST + _PORT.pack(ports[1])
        self._places: set[int] = set()
        """Numbers of requests whose answers say where the broker is."""
        self._waiting: dict[int, Request] = {}
        """Requests that have no answer yet, by their numbers."""
        self._changed = threading.Condition()

    def run(self) -> None:
        """Carry until either side ends."""
        for side in (self._client, self._server):
            with contextlib.suppress(OSError):  # a sandbox may pass other stream sockets
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answers = threading.Thread(target=self._answer, daemon=True)
        answers.start()
        try:
            with contextlib.suppress(OSError):
                self._forward()
        finally:
            shut(self._server)
            answers.join()

    def _forward(self) -> None:
        reader = RequestReader()
        while data := self._client.recv(_CHUNK):
            if not self._rules.count(up=len(data)):
                return
            try:
                for request in reader.feed(data):
                    if not self._rules.admit(request):
                        return
                    if not self._rules.see(request, self._settle, self._number):
                        return
                    self._expect(request)
                    self._rules.take_turn(request, partial(self._server.sendall, request.raw))
            except ProtocolError as error:
                self._rules.malformed(error)
                return

    def _expect(self, request: Request) -> None:
        with self._changed:
            if request.key in (METADATA, FIND_COORDINATOR):
                self._places.add(request.number)
            if request.key != PRODUCE:  # with acks=0 none comes
                self._waiting[request.number] = request

    def _settle(self) -> None:
        """Wait until the cluster has answered what was sent."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting, _SETTLED_WITHIN)

    def _answer(self) -> None:
        """Pass on whole answers, until either side ends; then both are shut."""
        reader = FrameReader(MAX_ANSWER)
        with contextlib.suppress(OSError, ProtocolError):
            while data := self._server.recv(_CHUNK):
                if not self._rules.count(down=len(data)):
                    break
                for answer in reader.feed(data):
                    self._client.sendall(self._placed(answer))
        shut(self._server)
        shut(self._client)

    def _placed(self, answer: bytes) -> bytes:
        """Return the answer with the broker where the submission reaches it."""
        number = number_of(answer)
        with self._changed:
            names_place = number in self._places
            self._places.discard(number)
            request = self._waiting.pop(number, None)
            self._changed.notify_all()
        if request is not None:
            self._rules.hear(request, answer)
        return answer.replace(self._inside, self._outside) if names_place else answer


def shut(side: socket.socket) -> None:
    """Wake whoever reads from it or accepts on it."""
    with contextlib.suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
