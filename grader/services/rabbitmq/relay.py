"""Carries a sandbox's connections to the broker, which the sandbox itself cannot reach.

Longer than most modules: one thread's loop, and what other threads may ask of it.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import selectors
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from grader.services.gate import Gate
from grader.services.rabbitmq.amplification import MAX_EXTRA_COPIES, AmplificationGuard
from grader.services.rabbitmq.pair import ConnectionPair, Way, check_connected, close_socket, packet
from grader.services.rabbitmq.words import REDELIVERED

_CHUNK = 64 << 10
_MAX_CONNECTIONS = 128
"""At a time; more are cut off at once. The broker holds those that have not logged in, too."""
T = TypeVar("T")


class Relay:
    """Accepts on `listener` and continues each connection to where `upstream` says: IP and port.

    One thread serves all connections. Whatever a method reports or does holds for everything
    that had reached this side when it was called, connections not yet accepted included.
    """

    def __init__(
        self,
        listener: socket.socket,
        upstream: Callable[[], tuple[str, int]],
        max_bytes: int,
        observe: Callable[[str], None] = lambda _: None,
        gate: Gate | None = None,
    ) -> None:
        self._observe = observe
        self._gate = gate or Gate()
        self._leave_gate = self._gate.join(self._when_opened)
        self._listener = listener
        self._upstream = upstream
        self._max_bytes = max_bytes
        self.bytes_up = 0
        """Bytes from the sandbox to the broker so far."""
        self.bytes_down = 0
        self.redelivered = 0
        """Deliveries so far that the broker marked as redelivered."""
        self._copies = AmplificationGuard()
        self._pairs: set[ConnectionPair] = set()
        self._quiet = threading.Condition()
        self._commands: list[Callable[[], None]] = []
        self._stopped = False
        self._refuses = False
        self._wake_read, self._wake_write = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        for each in (listener, self._wake_read):
            each.setblocking(False)  # noqa: FBT003 - the standard library's
            self._selector.register(each, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name="rabbitmq relay", daemon=True)
        self._thread.start()

    # What other threads call ---------------------------------------------------

    @property
    def open_connections(self) -> int:
        """Return how many connections are open now."""
        return self._do(lambda: len(self._pairs))

    @property
    def exceeded(self) -> bool:
        """Tell whether more came out of the sandbox, or is made of it, than may be.

        No connection is served since.
        """
        return bool(self.why_exceeded)

    @property
    def why_exceeded(self) -> str:
        """Return why no connection is served any more, as a clause about the program, or empty."""
        copies = self._copies
        if copies.multiplies:
            return "published a message with a CC or BCC header, or with headers that are no AMQP"
        if copies.count > MAX_EXTRA_COPIES:
            return "bound queues so that RabbitMQ multiplies their dead letters"
        if self.bytes_up + copies.cost > self._max_bytes:
            return "sent more to rabbitmq than any exercise needs"
        return ""

    def wait_closed(self, seconds: float) -> bool:
        """Wait until no connection is open; False when one still is after `seconds`."""
        self._do(lambda: None)
        with self._quiet:
            return self._quiet.wait_for(lambda: not self._pairs, seconds)

    def refuse(self) -> None:
        """Cut every connection, and take no more."""

        def cut() -> None:
            self._refuses = True
            for pair in list(self._pairs):
                self._end(pair, abruptly=True)

        self._do(cut)

    def drop_connections(self) -> int:
        """Cut every open connection as a crash would, with RST; how many there were."""

        def drop() -> int:
            pairs = list(self._pairs)
            for pair in pairs:
                self._end(pair, abruptly=True)
            return len(pairs)

        return self._do(drop)

    def part(self, last: bytes) -> int:
        """Say `last` to every client that is connected, and nothing more; how many there were.

        What they say goes nowhere any more. The broker is told once they have closed.
        """

        def say() -> int:
            for pair in self._pairs:
                pair.vanishes = True
                pair.down.waiting += last
                self._watch(pair)
            return len(self._pairs)

        return self._do(say)

    def close(self) -> None:
        """Cut every connection and stop listening."""
        if self._stopped:
            return
        self._leave_gate()

        def stop() -> None:
            self._stopped = True

        self._do(stop)
        self._thread.join()

    def _do(self, work: Callable[[], T]) -> T:
        """Run `work` in the relay's thread, after all events that are pending now."""
        result: Future[T] = Future()

        def command() -> None:
            try:
                result.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it belongs to who asked
                result.set_exception(error)

        if self._stopped:
            command()
        else:
            self._commands.append(command)
            with contextlib.suppress(BlockingIOError):
                self._wake_write.send(b"!")
        return result.result(10)

    # The relay's thread -----------------------------------------------------------

    def _serve(self) -> None:
        while not self._stopped:
            commands = 0
            for key, events in self._selector.select():
                if key.fileobj is self._wake_read:
                    commands = len(self._wake_read.recv(4096))
                elif key.fileobj is self._listener:
                    self._accept()
                else:
                    self._handle(key.data, key.fileobj, events)  # type: ignore[arg-type]
            for _ in range(commands):
                self._commands.pop(0)()
        for pair in list(self._pairs):
            self._end(pair, abruptly=True)
        self._selector.close()
        for each in (self._listener, self._wake_read, self._wake_write):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if len(self._pairs) >= _MAX_CONNECTIONS:
                close_socket(client, abruptly=True)
                continue
            client.setblocking(False)  # noqa: FBT003 - the standard library's
            address = self._upstream()
            server = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
            server.setblocking(False)  # noqa: FBT003 - the standard library's
            result = (
                errno.ECONNREFUSED if self.exceeded or self._refuses else server.connect_ex(address)
            )
            pair = ConnectionPair(client, server, self._copies, connected=result == 0)
            if result not in (0, errno.EINPROGRESS):
                close_socket(client, abruptly=True)
                server.close()
                continue
            for each in (client, server):
                with contextlib.suppress(OSError):  # a sandbox may pass other stream sockets
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pairs.add(pair)
            self._watch(pair)

    def _handle(self, pair: ConnectionPair, side: socket.socket, events: int) -> None:
        if pair not in self._pairs:
            return  # ended by an event of the same round
        try:
            self._move(pair, side, events)
        except BlockingIOError:
            pass
        except OSError:
            self._end(pair, abruptly=True)
            return
        if self.exceeded:
            self._end(pair, abruptly=True)
        elif pair.up.closed and pair.down.closed:
            self._end(pair, abruptly=False)
        else:
            self._watch(pair)

    def _move(self, pair: ConnectionPair, side: socket.socket, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            if side is pair.server and not pair.connected:
                check_connected(side)
                pair.connected = True
            self._send(pair.up if side is pair.server else pair.down)
        if events & selectors.EVENT_READ:
            self._receive(pair, pair.up if side is pair.client else pair.down)

    def _receive(self, pair: ConnectionPair, way: Way) -> None:
        if pair.vanishes:
            self._swallow(pair, way)
            return
        data = way.source.recv(_CHUNK)
        if way is pair.up:
            self.bytes_up += len(data)
        else:
            self.bytes_down += len(data)
        if not data:
            way.ended = True
        way.arrived += data
        way.methods = way.words.feed(data)
        self._ask(pair, way)

    def _ask(self, pair: ConnectionPair, way: Way) -> None:
        """Send on what arrived, up to the first method that the gate holds."""
        held, way.held = way.held, ""
        for said in itertools.chain([held] if held else [], way.methods):
            crossing = packet(said, up=way is pair.up)
            if not self._gate.passes(crossing, self._observe):
                way.held = said
                break
            self.redelivered += said.endswith(REDELIVERED)
        if way.words.other_protocol and way is pair.up:
            raise ConnectionAbortedError("no AMQP 0-9-1")
        size = max(way.words.began - way.begins, 0) if way.held else len(way.arrived)
        if not self.exceeded:
            way.waiting += way.arrived[:size]
        del way.arrived[:size]
        way.begins += size
        if way is not pair.up or pair.connected:
            self._send(way)

    def _swallow(self, pair: ConnectionPair, way: Way) -> None:
        """Read what a killed process, or the broker for it, still said, and pass the end on.

        The broker is told by a FIN, after all that had crossed: an RST may overtake that.
        """
        try:
            way.ended = not way.source.recv(_CHUNK)
        except ConnectionError:
            way.ended = True
        with contextlib.suppress(OSError):
            self._send(way)
        way.closed |= way.ended and way.source is pair.server

    def _when_opened(self, drops: bool) -> None:  # noqa: FBT001 - as the gate calls it
        """Go on where the gate had stopped; or let what is held, and what follows it, vanish."""

        def go_on() -> None:
            for pair in list(self._pairs):
                for way in (pair.up, pair.down):
                    if drops:
                        way.methods, way.held = iter(()), ""
                        way.arrived.clear()
                    elif way.held:
                        self._ask_or_end(pair, way)
                if drops:
                    pair.vanishes = True
                    pair.down.waiting.clear()
                if pair in self._pairs:
                    self._watch(pair)

        self._do(go_on)

    def _ask_or_end(self, pair: ConnectionPair, way: Way) -> None:
        try:
            self._ask(pair, way)
        except OSError:
            self._end(pair, abruptly=True)

    def _send(self, way: Way) -> None:
        if way.waiting:
            with contextlib.suppress(BlockingIOError):
                del way.waiting[: way.target.send(way.waiting)]
        if way.ended and not way.waiting and not way.closed:
            way.closed = True
            way.target.shutdown(socket.SHUT_WR)

    def _watch(self, pair: ConnectionPair) -> None:
        for side in (pair.client, pair.server):
            events = pair.wanted(side)
            watched = side in self._selector.get_map()
            if watched and not events:
                self._selector.unregister(side)
            elif watched:
                self._selector.modify(side, events, pair)
            elif events:
                self._selector.register(side, events, pair)

    def _end(self, pair: ConnectionPair, *, abruptly: bool) -> None:
        for side in (pair.client, pair.server):
            if side in self._selector.get_map():
                self._selector.unregister(side)
            close_socket(side, abruptly=abruptly)
        with self._quiet:
            self._pairs.discard(pair)
            self._quiet.notify_all()
