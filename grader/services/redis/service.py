"""Redis as one submission meets it: a server of its own, or the user's, behind a front."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from grader.errors import ServiceError
from grader.services.base import Service
from grader.services.redis.choice import INSTALL
from grader.services.redis.front import RedisFront
from grader.services.redis.server import SECONDS, Server
from grader.services.redis.watch import Recording, Watch

MAX_BYTES = 64 << 20
"""What one submission may send."""
_PAUSE = 0.002
_DYING = 1.0
"""Seconds for a process to be gone after its connections."""


class RedisService(Service):
    """A Redis behind a front that sees every command of the submission's before the server does.

    A private server and fakeredis are this submission's alone. On the user's own (REDIS_URL) only
    random names of keys and channels keep things apart, so that is for one's own code.
    """

    def __init__(self, server: Server) -> None:
        """Begin to start `server`.

        Raises:
            ServiceError: it cannot be started.
        """
        self._server = server
        self._front: RedisFront | None = None
        self._trusted: redis.Redis | None = None
        server.start()

    def attach(self, listener: socket.socket, port: int) -> None:
        """Serve every connection that `listener` accepts."""
        self.port = port
        self._front = RedisFront(listener, self._server.connect, MAX_BYTES, self.observe)

    # What the suite needs --------------------------------------------------------

    def connect(self, **options: Any) -> redis.Redis:
        """Return a trusted client straight to the server; no limit applies to it. Close it.

        Raises:
            ServiceError: the server did not start.
        """
        usual = {"socket_timeout": SECONDS, "retry": Retry(NoBackoff(), 0)}
        return redis.Redis(**(self._server.trusted() | usual | options))

    @property
    def client(self) -> redis.Redis:
        """A trusted client that is kept, for one thread."""
        if self._trusted is None:
            self._trusted = self.connect()
        return self._trusted

    def subscribers(self, channel: str) -> int:
        """Return how many subscriptions there are to the channel.

        Patterns are not counted by what they match, so where there are any, an empty message is
        published to count who receives it.
        """
        ((_, count),) = self.client.pubsub_numsub(channel)
        if self.client.pubsub_numpat():
            return max(int(count), int(self.client.publish(channel, b"")))
        return int(count)

    def wait_unheard(self, channel: str, seconds: float) -> int:
        """Wait until nobody receives what is published there; how many still do at the end.

        A server counts a subscriber that left for a moment more. It is asked by publishing empty
        messages, which reach whoever subscribed in whatever way.
        """
        deadline = time.monotonic() + seconds
        while (count := int(self.client.publish(channel, b""))) and time.monotonic() < deadline:
            time.sleep(_PAUSE)
        return count

    @contextmanager
    def before(
        self,
        *names: str,
        action: Callable[[], None],
        number: int = 1,
        argument: str = "",
        in_transactions: bool = False,
    ) -> Iterator[threading.Event]:
        """Run `action` before the consumer's `number`-th command of these names is executed.

        The consumer's connection stands still meanwhile. Commands in a transaction count with
        `in_transactions`: the action is over before they are queued, and so before EXEC. With
        `argument`, those without it do not count.
        Gives an event that is set when the command has come.

        Raises:
            Whatever `action` raised, at the end.
        """
        watched = Watch(names, number, action, argument, in_transactions=in_transactions)
        with self._attached.watching(watched) as watch:
            yield watch.reached
        if watch.failure is not None:
            raise watch.failure

    @contextmanager
    def stopped_before(self, number: int, *names: str) -> Iterator[Watch]:
        """Let the consumer's `number`-th command wait, and never reach the server.

        Those in a transaction count, MULTI and EXEC too; with `names`, those of other names do
        not. All commands that came before it on its connection were executed when the watch's
        `reached` is set. The connection ends with the block, unless the consumer was killed.
        """
        free = threading.Event()

        def hold() -> None:
            free.wait()

        watch = Watch(names, number, hold, in_transactions=True, drops=True)
        try:
            with self._attached.watching(watch):
                yield watch
        finally:
            free.set()

    def recording(self) -> AbstractContextManager[Recording]:
        """Keep the commands that come in the block; see :class:`Recording`."""
        return self._attached.recording()

    @property
    def open_connections(self) -> int:
        """Return how many connections the consumer's processes have open now."""
        return self._attached.open_connections

    def wait_closed(self, seconds: float) -> bool:
        """Wait until they have none open; False when one still is after `seconds`.

        The server has noticed their ends then: what comes next is delivered to none of them.
        """
        closed = self._attached.wait_closed(seconds)
        self.client.ping()  # answered after whatever the server found readable before it
        return closed

    @property
    def _attached(self) -> RedisFront:
        if self._front is None:
            raise RuntimeError("the service is not attached to a sandbox")
        return self._front

    @property
    def shared(self) -> bool:
        """Tell whether it is a server of the user's own."""
        return self._server.shared

    @property
    def is_real(self) -> bool:
        """Tell whether a Redis or Valkey serves, and no simulator of one."""
        return self._server.is_real

    def require_real(self) -> None:
        """Leave the check without a verdict where only a simulator serves.

        Raises:
            ServiceError: it does; the help says how to get a real one.
        """
        if not self.is_real:
            raise ServiceError(
                f"consumer groups are graded on a real Redis, and here is {self._server.in_words}",
                INSTALL,
            )

    @property
    def exceeded(self) -> bool:
        """Tell whether the submission sent, asked for, stored or computed more than it may."""
        sent = self._front is not None and self._front.exceeded
        return sent or self._server.worn_out or self._is_full

    @property
    def why_exceeded(self) -> str:
        """Return what it did, as a clause about the program; empty: it sent too much."""
        if self._front is not None and self._front.asked_too_much:
            return "asked Redis for more than any exercise needs"
        if self._server.worn_out:
            return "made Redis compute for longer than any exercise needs"
        return "made Redis keep more than any exercise needs" if self._is_full else ""

    @property
    def _is_full(self) -> bool:
        """Tell whether the submission's own server had to refuse what it should keep."""
        if self._server.shared or not self._server.is_real:
            return False
        with contextlib.suppress(redis.RedisError, ServiceError, OSError):
            return "errorstat_OOM" in self.client.info("errorstats")
        return False

    # Life ----------------------------------------------------------------------------

    def check(self) -> None:
        """Prove that the server answers.

        Raises:
            ServiceError: it does not.
        """
        problem = ""
        if not (ended := self._server.ended(0)):
            try:
                with self.connect() as client:
                    client.ping()
            except (redis.RedisError, OSError) as error:
                problem = str(error)
                # A process's connections end a moment before it does.
                ended = self._server.ended(_DYING)
        if ended:
            raise ServiceError(f"Redis ({self._server.in_words}) ended")
        if problem:
            raise ServiceError(f"Redis ({self._server.in_words}) does not answer: {problem}")

    def close(self) -> None:
        """Cut the connections and end the server, unless it is the user's."""
        if self._trusted is not None:
            self._trusted.close()
            self._trusted = None
        if self._front is not None:
            self._front.close()
            self._front = None
        self._server.stop()
