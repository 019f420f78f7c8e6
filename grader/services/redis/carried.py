"""One connection of a submission's, carried to its server command by command."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from grader.services.redis.commands import Command, CommandReader, ProtocolError
from grader.services.redis.replies import ReplyReader

_CHUNK = 64 << 10
_SETTLED_WITHIN = 2.0
"""Seconds for the server to answer what came before a command that is stopped."""


class Rules(Protocol):
    """The rules for all connections of a submission's together."""

    def count(self, *, up: int = 0, down: int = 0) -> bool:
        """Count bytes; tell whether the submission may send and get more."""

    def see(self, command: Command, *, in_transaction: bool, settle: Callable[[], None]) -> bool:
        """Show a command to who watches; tell whether it may go on. `settle` waits for answers."""

    def admit(self, command: Command) -> bool:
        """Count what the server makes of a command; tell whether it may go on."""

    def leave(self, subscriptions: int) -> None:
        """Take back so many subscriptions: their connection has ended."""


class Carried:
    """A client's socket and the server's."""

    def __init__(self, client: socket.socket, server: socket.socket, rules: Rules) -> None:
        self._client = client
        self._server = server
        self._rules = rules
        self._subscriptions = 0
        self._sent = 0
        """Commands that went on to the server."""
        self._answered = 0
        self._one_each = True
        """Whether there is an answer for each command, which subscribing ends."""
        self._changed = threading.Condition()

    def run(self) -> None:
        """Carry until either side ends."""
        for side in (self._client, self._server):
            with contextlib.suppress(OSError):  # a sandbox may pass other stream sockets
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        replies = threading.Thread(target=self._answer, daemon=True)
        replies.start()
        try:
            with contextlib.suppress(OSError):
                self._forward()
        finally:
            shut(self._server)
            replies.join()
            self._rules.leave(self._subscriptions)

    def _forward(self) -> None:
        for command in self._commands():
            if command.subscribes:
                self._subscriptions += len(command.words) - 1
            if not self._rules.admit(command):
                return
            self._one_each &= command.answered_once
            self._sent += 1
            self._server.sendall(command.raw if command.allowed else command.refused())

    def _commands(self) -> Iterator[Command]:
        """Yield what the client says, until it or its allowance ends; watched on the way."""
        reader = CommandReader()
        in_transaction = False
        while data := self._client.recv(_CHUNK):
            if not self._rules.count(up=len(data)):
                return
            try:
                for command in reader.feed(data):
                    inside = in_transaction or command.name == "MULTI"
                    if command.name in ("MULTI", "EXEC", "DISCARD"):
                        in_transaction = command.name == "MULTI"
                    if not self._rules.see(command, in_transaction=inside, settle=self._settle):
                        return
                    yield command
            except ProtocolError as error:
                self._client.sendall(b"-ERR Protocol error: %s\r\n" % str(error).encode())
                return

    def _settle(self) -> None:
        """Wait until the server has answered what was sent."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._answered >= self._sent or not self._one_each, _SETTLED_WITHIN
            )

    def _answer(self) -> None:
        """Pass on whole replies, until either side ends; then both are shut."""
        replies = ReplyReader()
        with contextlib.suppress(OSError):
            while data := self._server.recv(_CHUNK):
                if not self._rules.count(down=len(data)):
                    break
                if whole := replies.feed(data):
                    with self._changed:
                        self._answered = replies.count
                        self._changed.notify_all()
                    self._client.sendall(whole)
        shut(self._server)
        shut(self._client)


def shut(side: socket.socket) -> None:
    """Wake whoever reads from it or accepts on it."""
    with contextlib.suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
