"""The servers that can stand behind a submission's Redis, and what is asked of each of them."""

from __future__ import annotations

import contextlib
import socket
import threading
from abc import ABC, abstractmethod
from functools import partial
from typing import Any

from grader.services.redis.commands import encode
from grader.services.redis.url import OwnRedis

SECONDS = 10.0
"""For a server to take a connection or to answer."""


class Server(ABC):
    """A Redis server as one submission's service uses it."""

    is_real = True
    """Whether it is Redis or Valkey, and no simulator: consumer groups are graded on it alone."""
    shared = False
    """Whether others use it, too."""
    in_words = ""
    """What it is, for a person."""

    def warm(self) -> None:  # noqa: B027 - most have nothing to do
        """Import what `start` imports, before the processes are forked that call it."""

    @abstractmethod
    def start(self) -> None:
        """Begin to start it; `connect` waits until it serves.

        Raises:
            ServiceError: it cannot be started.
        """

    @abstractmethod
    def connect(self) -> socket.socket:
        """Return a connection to it with the rights of a submission; waits until it serves.

        Raises:
            ServiceError: it ended while it started.
            OSError: it cannot be reached.
        """

    @abstractmethod
    def trusted(self) -> dict[str, Any]:
        """Return what a redis.Redis of the grader's own takes; waits until the server serves.

        Raises:
            ServiceError: it ended while it started.
        """

    def version(self) -> str:
        """Return its name and version, such as `Redis 7.0.15`, asked of it.

        Raises:
            ServiceError: it did not start.
        """
        import redis  # noqa: PLC0415 - the processes of most commands need no client

        with redis.Redis(**self.trusted(), socket_timeout=SECONDS) as client:
            said = client.info("server")
        if "valkey_version" in said:
            return f"Valkey {said['valkey_version']}"
        return f"Redis {said['redis_version']}"

    def ended(self, within: float) -> bool:  # noqa: ARG002 - of some it is known
        """Tell whether its process has ended, or does within that many seconds."""
        return False

    @property
    def worn_out(self) -> bool:
        """Tell whether the submission made it compute for longer than any exercise needs."""
        return False

    @abstractmethod
    def stop(self) -> None:
        """End it, and remove what it left. May be called twice."""


class OwnServer(Server):
    """The server that REDIS_URL names. Whoever uses it shares its keys and channels."""

    shared = True

    def __init__(self, own: OwnRedis, *, is_real: bool = True) -> None:
        self._own = own
        self.is_real = is_real
        self.in_words = f"the server at {own.host}:{own.port}, which REDIS_URL names"

    def start(self) -> None:
        """Do nothing: the user runs it."""

    def connect(self) -> socket.socket:
        """Return a connection that is logged in."""
        own = self._own
        server = socket.create_connection((own.host, own.port), SECONDS)
        if own.login:
            words = [own.login[key] for key in ("username", "password") if key in own.login]
            server.sendall(encode(b"AUTH", *(word.encode() for word in words)))
            server.recv(1024)
        server.settimeout(None)
        return server

    def trusted(self) -> dict[str, Any]:
        """Return the place and the login that the URL names."""
        return {"host": self._own.host, "port": self._own.port, **self._own.login}

    def stop(self) -> None:
        """Do nothing, as above."""


class EmbeddedServer(Server):
    """fakeredis, in threads of this process."""

    is_real = False
    in_words = "fakeredis"

    def __init__(self) -> None:
        self._server: Any = None

    def warm(self) -> None:
        """Import fakeredis."""
        import fakeredis  # noqa: F401, PLC0415 - takes 0.2 s, and is the last choice

    def start(self) -> None:
        """Start it; it serves at once."""
        from fakeredis import TcpFakeServer  # noqa: PLC0415 - as above

        self._server = server = TcpFakeServer(("127.0.0.1", 0))
        server.daemon_threads = True  # a connection that stays open must not keep us
        server.block_on_close = False
        # Small answers at once: Nagle's algorithm holds the second of two for 40 ms.
        handler: Any = server.RequestHandlerClass
        server.handle_error = _say_nothing  # type: ignore[method-assign, assignment]
        server.RequestHandlerClass = type("Prompt", (handler,), {"disable_nagle_algorithm": True})
        # poll_interval: how long shutdown takes.
        serve = partial(server.serve_forever, poll_interval=0.05)
        threading.Thread(target=serve, name="redis", daemon=True).start()

    def connect(self) -> socket.socket:
        """Return a connection to it."""
        server = socket.create_connection(("127.0.0.1", self._port), SECONDS)
        server.settimeout(None)
        return server

    def trusted(self) -> dict[str, Any]:
        """Return its place."""
        return {"host": "127.0.0.1", "port": self._port}

    @property
    def _port(self) -> int:
        if self._server is None:
            raise ConnectionRefusedError("it does not run")
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Stop it; takes a moment."""
        if self._server is not None:
            server, self._server = self._server, None
            with contextlib.suppress(OSError):
                server.shutdown()
                server.server_close()


def _say_nothing(*_: object) -> None:
    """Do what the server does when a connection of the submission's ends in an error: nothing.

    Python's socketserver would print a traceback, as often as the submission likes.
    """
