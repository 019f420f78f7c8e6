"""RabbitMQ from the official image, where a Docker engine runs.

Source: hub.docker.com/_/rabbitmq (environment variables).
"""

from __future__ import annotations

from grader.services import docker_engine
from grader.services.docker_container import Container
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
        self._container = Container("rabbitmq", IMAGE, _START_SECONDS)

    @property
    def command(self) -> list[str]:
        """Return the command that it was started with."""
        return self._container.command

    def spawn(self) -> None:
        """Begin to start it; `ready` tells when it serves."""
        arguments = []
        for inside, outside in self._wanted.items():
            arguments += ["--publish", f"127.0.0.1:{outside or ''}:{inside}"]
        arguments += ["--env", "RABBITMQ_DEFAULT_USER", "--env", "RABBITMQ_DEFAULT_PASS", IMAGE]
        login = {
            "RABBITMQ_DEFAULT_USER": self._login.username,
            "RABBITMQ_DEFAULT_PASS": self._login.password,
        }
        self.port = self.management_port = 0
        self._container.start(arguments, login)

    def ready(self) -> bool:
        """Tell whether it serves."""
        if not self.alive:
            self.port = self.management_port = 0  # started again, it has others
        self._container.check_starting()
        if not self.port:
            self.port = self._container.port(5672)
            self.management_port = self._container.port(15672)
        return bool(self.port and self.management_port) and self.answers()

    @property
    def alive(self) -> bool:
        """Tell whether its process runs."""
        return self._container.alive

    def join(self) -> None:
        """Wait until its process ends."""
        self._container.join()

    def stop(self) -> None:
        """End it at once and remove it."""
        self._container.stop()
