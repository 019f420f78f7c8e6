"""Between a sandbox and its cluster: carries connections, and can hold a request for a moment."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from grader.errors import ServiceError
from grader.services.kafka.carried import Carried, shut
from grader.services.kafka.protocol import QUESTION, ProtocolError, Request
from grader.services.kafka.turns import Turns
from grader.services.kafka.watch import UNASKED, Recording, Watch


@dataclass(frozen=True)
class Bounds:
    """The bounds of what the clients of one front may do together."""

    up: int
    """Bytes that they may send."""
    down: int
    """Bytes that they may get: a request of a few bytes may ask for all that they ever sent."""
    requests: int
    """A consumer that waits 50 ms in each fetch sends 1,200 in a minute."""
    connections: int
    """At a time; more are cut off at once."""
    strict: bool = True
    """Whether only requests go through that are whole, of the version that the client uses."""


_MOST_REFUSALS = 1000
_MEETS_WITHIN = 1.0
"""Seconds for a question that the cluster answers at once."""
OF_A_SUBMISSION = Bounds(up=64 << 20, down=128 << 20, requests=60_000, connections=64)
OF_A_DEMO = Bounds(up=1 << 50, down=1 << 50, requests=1 << 50, connections=1024, strict=False)


class KafkaFront:
    """Accepts on `listener` and continues each connection with a socket from `connect`.

    A connection on which something comes that is no request, or one that the cluster does not
    offer, ends there.
    """

    def __init__(
        self,
        listener: socket.socket,
        connect: Callable[[], socket.socket],
        port: int,
        observe: Callable[[str], None] | None = None,
        bounds: Bounds = OF_A_SUBMISSION,
    ) -> None:
        """Begin to serve.

        Args:
            listener: bound and listening; the front owns it from now on.
            connect: gives a connection to the cluster.
            port: where the submission finds it.
            observe: told of each request that no client sends by itself.
            bounds: what its clients may do.
        """
        self._observe = observe
        self._listener = listener
        self._connect = connect
        self._port = port
        self._bounds = bounds
        self.bytes_up = 0
        """Bytes from the sandbox to the cluster so far."""
        self.bytes_down = 0
        """Bytes from the cluster so far."""
        self.requests = 0
        """Requests so far."""
        self.joined: set[str] = set()
        """The groups that somebody has asked to be a member of."""
        self.refusals: list[str] = []
        """What was not carried and ended its connection, as clauses about the program."""
        self._carried = 0
        """Return how many connections there are."""
        self._down = False
        self._watches: list[Watch] = []
        self._recordings: list[Recording] = []
        self._open: set[socket.socket] = set()
        self._turns = Turns(self._meet)
        self._lock = threading.Lock()
        self._fewer = threading.Condition(self._lock)
        self._closed = False
        listener.setblocking(True)  # noqa: FBT003 - the standard library's
        threading.Thread(target=self._serve, name="kafka front", daemon=True).start()

    # What a suite asks for -------------------------------------------------------

    @contextmanager
    def watching(self, watch: Watch) -> Iterator[Watch]:
        """Let `watch` see every request before the cluster gets it."""
        self._watches.append(watch)
        try:
            yield watch
        finally:
            self._watches.remove(watch)

    @contextmanager
    def recording(self) -> Iterator[Recording]:
        """Keep every request that comes."""
        kept = Recording()
        self._recordings.append(kept)
        try:
            yield kept
        finally:
            self._recordings.remove(kept)

    def go_down(self) -> None:
        """Cut every connection, and each that comes, until `come_up`."""
        with self._lock:
            self._down = True
            sides = list(self._open)
        for side in sides:
            shut(side)

    def come_up(self) -> None:
        """Carry connections again."""
        self._down = False

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
        """Tell whether more was sent, or asked for, than may be; nothing is carried since."""
        return self.bytes_up > self._bounds.up or self.asked_too_much

    @property
    def asked_too_much(self) -> bool:
        """Tell whether it was the answers, or the number of requests, that were too much."""
        return self.bytes_down > self._bounds.down or self.requests > self._bounds.requests

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

    def see(self, request: Request, settle: Callable[[], None], connection: int = 0) -> bool:
        """Show a request to who watches; tell whether it may go on."""
        if request.name == "JoinGroup":
            self.joined.add(request.group)
        for recording in list(self._recordings):
            recording.see(request, connection)
        for watch in list(self._watches):
            if watch.is_it(request):
                if watch.drops:
                    settle()
                watch.act(request)
                if watch.drops:
                    return False
        if self._observe is not None and request.name not in UNASKED:
            self._observe(request.in_words())
        return True

    def take_turn(self, request: Request, send: Callable[[], None]) -> None:
        """Send a request when it is its turn, and keep that it was sent."""
        self._turns.wait(request)
        send()
        self._turns.keep(request)

    def _meet(self) -> None:
        """Wait until the cluster has read what was sent to it by now."""
        with contextlib.suppress(OSError, ServiceError), self._connect() as asks:
            asks.settimeout(_MEETS_WITHIN)
            asks.sendall(QUESTION)
            asks.recv(1)

    def hear(self, request: Request, answer: bytes) -> None:
        """Keep what a member of a group was answered."""
        error = request.error_in(answer)
        if error is not None:
            for recording in list(self._recordings):
                recording.hear(request, error)

    def admit(self, request: Request) -> bool:
        """Count a request; tell whether the cluster is to get it."""
        self.requests += 1
        if not request.allowed or (self._bounds.strict and not request.is_whole):
            self._refuse(request.refusal)
            return False
        return not self.exceeded

    def malformed(self, error: ProtocolError) -> None:
        """Keep what came that is no request."""
        self._refuse(f"sent Kafka what is no request ({error})")

    def _refuse(self, clause: str) -> None:
        if len(self.refusals) < _MOST_REFUSALS:
            self.refusals.append(clause)

    # Its life ------------------------------------------------------------------------

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                full = self._carried >= self._bounds.connections
                if self._closed or self._down or full or self.exceeded:
                    client.close()
                    continue
                self._carried += 1
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        try:
            # A cluster that did not start shows where the suite asks for it.
            with client, contextlib.suppress(OSError, ServiceError), self._connect() as server:
                with self._lock:
                    if self._closed or self._down:
                        return
                    self._open |= {client, server}
                ports = (server.getpeername()[1], self._port)
                try:
                    Carried(client, server, self, ports).run()
                finally:
                    with self._lock:
                        self._open -= {client, server}
        finally:
            with self._fewer:
                self._carried -= 1
                self._fewer.notify_all()
