"""RabbitMQ from the official image, where a Docker engine runs.

Source: hub.docker.com/_/rabbitmq (environment variables).
"""

from __future__ import annotations

import os
import subprocess
import time

from grader.errors import ServiceError
from grader.host.identity import die_with_parent
from grader.services import docker_engine
from grader.services.docker_engine import owned, published, remove
from grader.services.rabbitmq.node import Login, Node

IMAGE = "rabbitmq:4.4-management"
"""The same as in docker-compose.yml."""
_OR_ELSE = "install rabbitmq-server"
_START_SECONDS = 120


def fetch_image(*, alone: bool = True) -> None:
    """Pull the image where it is not there yet; see :func:`docker_engine.fetch_image`.

    Raises:
        ServiceError: it cannot be had.
    """
    docker_engine.fetch_image(IMAGE, _OR_ELSE, alone=alone)


def require_image(*, alone: bool = True) -> None:  # noqa: ARG001 - as in fetch_image
    """Find out, without a pull, whether :func:`fetch_image` could have the image.

    Raises:
        ServiceError: the engine has not got it, and cannot get it.
    """
    docker_engine.require_image(IMAGE, _OR_ELSE)


class DockerNode(Node):
    """A container of its own, its ports published on loopback alone."""

    def __init__(self, login: Login, *, port: int = 0, management_port: int = 0) -> None:
        self._login = login
        self._wanted = {5672: port, 15672: management_port}
        self._name = ""
        self._deadline = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self.command: list[str] = []

    def spawn(self) -> None:
        """Begin to start it; `ready` tells when it serves."""
        self.stop()
        options = owned("rabbitmq")
        self._name = options[options.index("--name") + 1]
        self.command = ["docker", "run", *options]
        for inside, outside in self._wanted.items():
            self.command += ["--publish", f"127.0.0.1:{outside or ''}:{inside}"]
        # Without a value: docker takes them from its environment, and no process list shows them.
        self.command += ["--env", "RABBITMQ_DEFAULT_USER", "--env", "RABBITMQ_DEFAULT_PASS", IMAGE]
        login = {
            "RABBITMQ_DEFAULT_USER": self._login.username,
            "RABBITMQ_DEFAULT_PASS": self._login.password,
        }
        self._deadline = time.monotonic() + _START_SECONDS
        self.port = self.management_port = 0
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            self.command,
            env={**os.environ, **login},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one system call, and no thread here
        )

    def ready(self) -> bool:
        """Tell whether it serves."""
        if not self.alive:
            raise ServiceError(
                f"the container of {IMAGE} ended while it started",
                f"Run `{' '.join(self.command)}` to see why.",
            )
        if time.monotonic() > self._deadline:
            raise ServiceError(f"{IMAGE} did not answer within {_START_SECONDS} s")
        if not self.port:
            self.port = published(self._name, 5672)
            self.management_port = published(self._name, 15672)
        return bool(self.port and self.management_port) and self.answers()

    @property
    def alive(self) -> bool:
        """Tell whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def join(self) -> None:
        """Wait until its process ends."""
        if self._process is not None:
            self._process.wait()

    def stop(self) -> None:
        """End it at once and remove it."""
        if self._process is None:
            return
        remove(self._name)
        self._process.kill()
        self._process.wait()
        self._process = None
