"""A private Redis from the official image, where a Docker engine runs.

Source: hub.docker.com/_/redis.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from typing import Any

from grader.errors import ServiceError
from grader.host.identity import die_with_parent
from grader.host.interrupts import held
from grader.services import docker_engine
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
        self._name = ""
        self._process: subprocess.Popen[bytes] | None = None
        self.in_words = f"Docker's image {IMAGE}"

    def start(self) -> None:
        """Begin to start it."""
        self.stop()
        options = docker_engine.owned("redis")
        self._name = options[options.index("--name") + 1]
        outside = f"127.0.0.1:{self._wanted or ''}:{_PORT}"
        # Without a value: docker takes it from its environment, and no process list shows it.
        command = ["docker", "run", *options, *_CLOSED, "--publish", outside, "--env", _CONFIG]
        command += ["--entrypoint", "sh", IMAGE, "-c", f'printf %s "${_CONFIG}" | redis-server -']
        text = config(at_port(_PORT, "0.0.0.0"), self._password)  # noqa: S104 - in the container
        try:
            with held():
                self._process = subprocess.Popen(  # noqa: S603 - our own command
                    command,
                    env={**os.environ, _CONFIG: text},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    preexec_fn=die_with_parent,  # noqa: PLW1509 - one system call
                )
        except OSError as error:
            raise ServiceError(f"docker cannot be run: {error.strerror}") from None

    def connect(self) -> socket.socket:
        """Return a connection to it; waits until it serves."""
        deadline = time.monotonic() + _START_SECONDS
        while not self._port:
            if self.ended(0):
                raise ServiceError(f"the container of {IMAGE} ended while it started")
            if time.monotonic() > deadline:
                raise ServiceError(f"{IMAGE} did not answer within {_START_SECONDS} s")
            port = docker_engine.published(self._name, _PORT)
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
        if self._process is None:
            return True
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def join(self) -> None:
        """Wait until it ends."""
        if self._process is not None:
            self._process.wait()

    def stop(self) -> None:
        """End it at once and remove it."""
        self._port = 0
        if self._process is not None:
            docker_engine.remove(self._name)
            self._process.kill()
            self._process.wait()
            self._process = None


def _answers(port: int) -> bool:
    """Whether a Redis does: Docker takes connections before the server in the container does."""
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as probe:
            probe.sendall(encode(b"PING"))
            return probe.recv(16).startswith(b"+PONG")
    except OSError:
        return False
