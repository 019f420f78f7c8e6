"""Redis as one submission meets it: an embedded server, or the user's own, behind a front."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

import redis
from fakeredis import TcpFakeServer
from redis.backoff import NoBackoff
from redis.retry import Retry

from grader.errors import ServiceError
from grader.services.base import Service
from grader.services.redis.commands import encode
from grader.services.redis.front import RedisFront, Watch
from grader.services.redis.kind import RedisKind

URL_VARIABLE = "REDIS_URL"
MAX_BYTES = 64 << 20
"""What one submission may send."""
_SECONDS = 10.0
_PAUSE = 0.002


class RedisService(Service):
    """A Redis behind a front that sees every command of the submission's before the server does.

    The embedded one is this submission's alone. On the user's own (REDIS_URL) only random channel
    names keep things apart, so that is for one's own code.
    """

    def __init__(self) -> None:
        """Find out where the server is to be.

        Raises:
            ServiceError: REDIS_URL names no server that answers.
        """
        self._server: TcpFakeServer | None = None
        self._front: RedisFront | None = None
        self._trusted: redis.Redis | None = None
        self._login: dict[str, Any] = {}
        self._address: tuple[str, int] = ("127.0.0.1", 0)
        if url := os.environ.get(URL_VARIABLE):
            self._use(url)
            self.check()

    def _use(self, url: str) -> None:
        """The user's own server: redis://[user[:password]@]host[:port]."""
        try:
            parts = urlsplit(url)
            port = parts.port or RedisKind.port
        except ValueError:
            parts, port = urlsplit(""), 0
        if parts.scheme != "redis" or not parts.hostname:
            raise ServiceError(
                f"{URL_VARIABLE} names no Redis server: it starts with redis://",
                f"Correct {URL_VARIABLE}, or unset it to use the embedded server.",
            )
        self._address = (parts.hostname, port)
        if parts.password:
            self._login["password"] = unquote(parts.password)
            if parts.username:
                self._login["username"] = unquote(parts.username)

    def attach(self, listener: socket.socket, port: int) -> None:
        """Serve every connection that `listener` accepts."""
        self.port = port
        if self._address[1] == 0:
            self._server = server = TcpFakeServer(("127.0.0.1", 0))
            server.daemon_threads = True  # a connection that stays open must not keep us
            server.block_on_close = False
            # Small answers at once: Nagle's algorithm holds the second of two for 40 ms.
            handler: Any = server.RequestHandlerClass
            prompt = {"disable_nagle_algorithm": True}
            server.handle_error = _say_nothing  # type: ignore[method-assign, assignment]
            server.RequestHandlerClass = type("Prompt", (handler,), prompt)
            self._address = ("127.0.0.1", server.server_address[1])
            # poll_interval: how long shutdown takes.
            serve = partial(server.serve_forever, poll_interval=0.05)
            threading.Thread(target=serve, name="redis", daemon=True).start()
        self._front = RedisFront(listener, self._connect, MAX_BYTES, self.observe)

    def _connect(self) -> socket.socket:
        """A logged-in connection for the front to continue one of the consumer's with."""
        server = socket.create_connection(self._address, _SECONDS)
        if self._login:
            words = [self._login[key] for key in ("username", "password") if key in self._login]
            server.sendall(encode(b"AUTH", *(word.encode() for word in words)))
            server.recv(1024)
        server.settimeout(None)
        return server

    # What the suite needs --------------------------------------------------------

    def connect(self, **options: Any) -> redis.Redis:
        """A trusted client straight to the server. Close it."""
        host, port = self._address
        usual = {**self._login, "socket_timeout": _SECONDS, "retry": Retry(NoBackoff(), 0)}
        return redis.Redis(host=host, port=port, **(usual | options))

    @property
    def client(self) -> redis.Redis:
        """A trusted client that is kept, for one thread."""
        if self._trusted is None:
            self._trusted = self.connect()
        return self._trusted

    def subscribers(self, channel: str) -> int:
        """How many subscriptions there are to the channel.

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
        self, *names: str, action: Callable[[], None], number: int = 1, argument: str = ""
    ) -> Iterator[threading.Event]:
        """Run `action` before the consumer's `number`-th command of these names is executed.

        The consumer's connection stands still meanwhile. Commands in a transaction do not count;
        with `argument`, neither do those without it.
        Gives an event that is set when the command has come.

        Raises:
            Whatever `action` raised, at the end.
        """
        with self._attached.watching(Watch(names, number, action, argument)) as watch:
            yield watch.reached
        if watch.failure is not None:
            raise watch.failure

    @property
    def _attached(self) -> RedisFront:
        if self._front is None:
            raise RuntimeError("the service is not attached to a sandbox")
        return self._front

    @property
    def shared(self) -> bool:
        """Tell whether it is a server of the user's own."""
        return self._server is None

    @property
    def exceeded(self) -> bool:
        """Tell whether the submission sent more than it may and was cut off."""
        return self._attached.exceeded

    # Life ----------------------------------------------------------------------------

    def check(self) -> None:
        """Prove that the server answers.

        Raises:
            ServiceError: it does not.
        """
        host, port = self._address
        where = f"{host}:{port}, which {URL_VARIABLE} names" if self._server is None else "embedded"
        try:
            with self.connect() as client:
                client.ping()
        except redis.RedisError as error:
            raise ServiceError(
                f"Redis ({where}) does not answer: {error}",
                f"Start it, correct {URL_VARIABLE}, or unset it to use the embedded server.",
            ) from None

    def close(self) -> None:
        """Cut the connections and stop the embedded server."""
        if self._trusted is not None:
            self._trusted.close()
            self._trusted = None
        if self._front is not None:
            self._front.close()
            self._front = None
        if self._server is not None:
            server, self._server = self._server, None
            with contextlib.suppress(OSError):
                server.shutdown()
                server.server_close()


def _say_nothing(*_: object) -> None:
    """Do what the server does when a connection of the submission's ends in an error: nothing.

    Python's socketserver would print a traceback, as often as the submission likes.
    """
