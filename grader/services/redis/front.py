"""Between a sandbox and Redis: carries the connections, and can hold a command for a moment."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from grader.errors import ServiceError
from grader.services.redis.carried import Carried, shut
from grader.services.redis.commands import Command
from grader.services.redis.watch import HANDSHAKE, Recording, Watch

MAX_DOWN = 128 << 20
"""Bytes that one submission may get: a command of a few bytes may ask for all that it ever sent."""
_MOST_COMMANDS = 200_000
"""Of one submission: exercises need some thousands."""
_MAX_CONNECTIONS = 64
"""At a time; more are cut off at once."""
_MAX_SUBSCRIPTIONS = 256
"""At a time, of all connections: each gets a copy of what is published."""
_COPY = 200
"""Bytes that a message takes besides its own."""


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
        self.bytes_down = 0
        """Bytes from the server so far."""
        self.commands = 0
        """Commands so far."""
        self._carried = 0
        """Return how many connections there are."""
        self._subscriptions = 0
        self._watches: list[Watch] = []
        self._recordings: list[Recording] = []
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._fewer = threading.Condition(self._lock)
        self._closed = False
        listener.setblocking(True)  # noqa: FBT003 - the standard library's
        threading.Thread(target=self._serve, name="redis front", daemon=True).start()

    # What a suite asks for -------------------------------------------------------

    @contextmanager
    def watching(self, watch: Watch) -> Iterator[Watch]:
        """Let `watch` see every command before it is executed."""
        self._watches.append(watch)
        try:
            yield watch
        finally:
            self._watches.remove(watch)

    @contextmanager
    def recording(self) -> Iterator[Recording]:
        """Keep every command that comes."""
        kept = Recording()
        self._recordings.append(kept)
        try:
            yield kept
        finally:
            self._recordings.remove(kept)

    @property
    def open_connections(self) -> int:
        """Return how many connections there are."""
        return self._carried

    def wait_closed(self, seconds: float) -> bool:
        """Wait until there is no connection; False when there still is after `seconds`."""
        with self._fewer:
            return self._fewer.wait_for(lambda: self._carried == 0, seconds)

    @property
    def exceeded(self) -> bool:
        """Tell whether more was sent, or asked for, than may be; no command is served since."""
        sent = self.bytes_up > self._max_bytes or self.commands > _MOST_COMMANDS
        return sent or self.asked_too_much

    @property
    def asked_too_much(self) -> bool:
        """Tell whether it was the answers that were too much."""
        return self.bytes_down > MAX_DOWN

    def close(self) -> None:
        """Cut every connection and stop listening. May be called twice."""
        with self._lock:
            self._closed = True
            sides = [self._listener, *self._open]
        for side in sides:
            shut(side)
        self._listener.close()

    # What holds for its connections ------------------------------------------------

    def count(self, *, up: int = 0, down: int = 0) -> bool:
        """Count bytes; tell whether the submission may send and get more."""
        self.bytes_up += up
        self.bytes_down += down
        return not self.exceeded

    def see(self, command: Command, *, in_transaction: bool, settle: Callable[[], None]) -> bool:
        """Show a command to who watches; tell whether it may go on."""
        for recording in list(self._recordings):
            recording.see(command)
        for watch in list(self._watches):
            if watch.is_it(command, in_transaction=in_transaction):
                if watch.drops:
                    settle()
                watch.act(command)
                if watch.drops:
                    return False
        if self._observe is not None and command.name not in HANDSHAKE:
            self._observe(command.in_words())
        return True

    def admit(self, command: Command) -> bool:
        """Count a command and what the server makes of it; tell whether it may go on."""
        self.commands += 1
        if command.subscribes:
            self._subscriptions += len(command.words) - 1
        elif command.publishes:
            self.bytes_up += (len(command.raw) + _COPY) * self._subscriptions
        return self._subscriptions <= _MAX_SUBSCRIPTIONS and not self.exceeded

    def leave(self, subscriptions: int) -> None:
        """Take back so many subscriptions: their connection has ended."""
        self._subscriptions -= subscriptions

    # Its life ------------------------------------------------------------------------

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                full = self._carried >= _MAX_CONNECTIONS
                if self._closed or full or self.exceeded:
                    client.close()
                    continue
                self._carried += 1
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        try:
            # A server that did not start shows where the suite asks for it.
            with client, contextlib.suppress(OSError, ServiceError), self._connect() as server:
                with self._lock:
                    if self._closed:
                        return
                    self._open |= {client, server}
                try:
                    Carried(client, server, self).run()
                finally:
                    with self._lock:
                        self._open -= {client, server}
        finally:
            with self._fewer:
                self._carried -= 1
                self._fewer.notify_all()
