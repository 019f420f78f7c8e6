"""Between a sandbox and Redis: carries the connections, and can hold a command for a moment."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from grader.services.redis.commands import Command, CommandReader, ProtocolError
from grader.services.redis.replies import ReplyReader

_CHUNK = 64 << 10
_MAX_CONNECTIONS = 64
"""At a time; more are cut off at once."""


_MAX_SUBSCRIPTIONS = 256
"""At a time, of all connections: each gets a copy of what is published."""
_COPY = 200
"""Bytes that a message takes besides its own."""
_HANDSHAKE = {"HELLO", "CLIENT", "PING"}
"""What a client library says by itself."""


class Watch:
    """An action that runs once, before a certain command goes on to the server."""

    def __init__(
        self, names: tuple[str, ...], number: int, action: Callable[[], None], argument: str = ""
    ) -> None:
        """With `argument`, only commands that have it among their words count."""
        self._names = names
        self._argument = argument.encode()
        self._left = number
        self._action = action
        self._lock = threading.Lock()
        self.reached = threading.Event()
        """Set when the command has come; the action runs then, or has run."""
        self.failure: BaseException | None = None
        """What the action raised."""

    def see(self, command: Command) -> None:
        """Called with every command, in the thread of its connection."""
        if command.name not in self._names:
            return
        if self._argument and self._argument not in command.words[1:]:
            return
        with self._lock:
            self._left -= 1
            if self._left != 0:
                return
        self.reached.set()
        try:
            self._action()
        except Exception as error:  # noqa: BLE001 - it belongs to who watches
            self.failure = error


class RedisFront:
    """Accepts on `listener` and continues each connection with a socket from `connect`.

    Commands that a submission may not use reach the server as an unknown one.
    """

    def __init__(
        self,
        listener: socket.socket,
        connect: Callable[[], socket.socket],
        max_bytes: int,
        observe: Callable[[str], None] | None = None,
    ) -> None:
        self._observe = observe
        self._listener = listener
        self._connect = connect
        self._max_bytes = max_bytes
        self.bytes_up = 0
        """Bytes from the sandbox to the server so far, and what publishing made of them."""
        self._carried = 0
        """How many connections there are."""
        self._subscriptions = 0
        self._watches: list[Watch] = []
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False
        listener.setblocking(True)  # noqa: FBT003 - the standard library's
        threading.Thread(target=self._serve, name="redis front", daemon=True).start()

    @contextmanager
    def watching(self, watch: Watch) -> Iterator[Watch]:
        """Let `watch` see every command that is executed on its own, not in a transaction."""
        self._watches.append(watch)
        try:
            yield watch
        finally:
            self._watches.remove(watch)

    def close(self) -> None:
        """Cut every connection and stop listening. May be called twice."""
        with self._lock:
            self._closed = True
            sides = [self._listener, *self._open]
        for side in sides:
            _shut(side)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._closed or self._carried >= _MAX_CONNECTIONS:
                    client.close()
                    continue
                self._carried += 1
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        try:
            self._carry_on(client)
        finally:
            with self._lock:
                self._carried -= 1

    def _carry_on(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), self._connect() as server:
            with self._lock:
                if self._closed:
                    return
                self._open |= {client, server}
            for side in (client, server):
                with contextlib.suppress(OSError):  # a sandbox may pass other stream sockets
                    side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            replies = threading.Thread(target=_copy, args=(server, client), daemon=True)
            replies.start()
            try:
                self._forward(client, server)
            finally:
                _shut(server)
                replies.join()
                with self._lock:
                    self._open -= {client, server}

    @property
    def exceeded(self) -> bool:
        """Tell whether more came out of the sandbox than may; no command is served since."""
        return self.bytes_up > self._max_bytes

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        subscriptions = 0
        try:
            for command in self._commands(client):
                if command.subscribes:
                    subscriptions += len(command.words) - 1
                    self._subscriptions += len(command.words) - 1
                elif command.publishes:
                    self.bytes_up += (len(command.raw) + _COPY) * self._subscriptions
                if self._subscriptions > _MAX_SUBSCRIPTIONS or self.exceeded:
                    return
                server.sendall(command.raw if command.allowed else command.refused())
        finally:
            self._subscriptions -= subscriptions

    def _commands(self, client: socket.socket) -> Iterator[Command]:
        """What the client says, until it or its allowance ends; watched on the way."""
        reader = CommandReader()
        in_transaction = False
        while data := client.recv(_CHUNK):
            self.bytes_up += len(data)
            if self.exceeded:
                return
            try:
                for command in reader.feed(data):
                    if command.name in ("MULTI", "EXEC", "DISCARD"):
                        in_transaction = command.name == "MULTI"
                    if not in_transaction:
                        for watch in list(self._watches):
                            watch.see(command)
                    if self._observe is not None and command.name not in _HANDSHAKE:
                        self._observe(command.in_words())
                    yield command
            except ProtocolError as error:
                client.sendall(b"-ERR Protocol error: %s\r\n" % str(error).encode())
                return


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Whole replies, until either side ends; then both are shut."""
    replies = ReplyReader()
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK):
            if whole := replies.feed(data):
                target.sendall(whole)
    _shut(source)
    _shut(target)


def _shut(side: socket.socket) -> None:
    """Wake whoever reads from it or accepts on it."""
    with contextlib.suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
