"""A private Redis from the official image, where a Docker engine runs.

Source: hub.docker.com/_/redis.
"""

from __future__ import annotations

import secrets
import socket
import time
from typing import Any

from grader.services.docker_container import Container
from grader.services.redis.commands import encode
from grader.services.redis.config import TRUSTED, at_port, config
from grader.services.redis.server import SECONDS, Server

IMAGE = "redis:8.10"
"""The same as in docker-compose.yml."""
OR_ELSE = "install redis-server"
_PORT = 6379
_START_SECONDS = 60
_PAUSE = 0.05
_CONFIG = "STREAM_REDIS_CONFIG"
_CLOSED = ("--read-only", "--cap-drop", "ALL", "--user", "65534:65534", "--memory", "1g")


class DockerServer(Server):
    """A container of its own, its port published on loopback alone."""

    def __init__(self, *, port: int = 0) -> None:
        """With a `port`, it serves there whoever comes; else a submission."""
        self._wanted = port
        self._port = 0
        self._password = "" if port else secrets.token_urlsafe(24)
        self._container = Container("redis", IMAGE, _START_SECONDS)
        self.in_words = f"Docker's image {IMAGE}"

    def start(self) -> None:
        """Begin to start it."""
        self._port = 0
        outside = f"127.0.0.1:{self._wanted or ''}:{_PORT}"
        arguments = [*_CLOSED, "--publish", outside, "--env", _CONFIG, "--entrypoint", "sh"]
        arguments += [IMAGE, "-c", f'printf %s "${_CONFIG}" | redis-server -']
        text = config(at_port(_PORT, "0.0.0.0"), self._password)  # noqa: S104 - in the container
        self._container.start(arguments, {_CONFIG: text})

    def connect(self) -> socket.socket:
        """Return a connection to it; waits until it serves."""
        while not self._port:
            self._container.check_starting()
            port = self._container.port(_PORT)
            if port and _answers(port):
                self._port = port
            else:
                time.sleep(_PAUSE)
        server = socket.create_connection(("127.0.0.1", self._port), SECONDS)
        server.settimeout(None)
        return server

    def trusted(self) -> dict[str, Any]:
        """Return its place and a login that may do everything; waits until it serves."""
        if not self._port:
            self.connect().close()
        login = {"username": TRUSTED, "password": self._password} if self._password else {}
        return {"host": "127.0.0.1", "port": self._port, **login}

    def ended(self, within: float) -> bool:
        """Tell whether the container has ended, or does within that many seconds."""
        return self._container.ended(within)

    def join(self) -> None:
        """Wait until it ends."""
        self._container.join()

    def stop(self) -> None:
        """End it at once and remove it."""
        self._port = 0
        self._container.stop()


def _answers(port: int) -> bool:
    """Tell whether a Redis answers: Docker takes connections before the server inside does."""
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as probe:
            probe.sendall(encode(b"PING"))
            return probe.recv(16).startswith(b"+PONG")
    except OSError:
        return False
