"""A RabbitMQ that the grader starts: what every kind of it can do."""

from __future__ import annotations

import secrets
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from grader.errors import ServiceError

_PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"


@dataclass(frozen=True)
class Login:
    """The administrator of a broker of ours."""

    username: str
    password: str

    @classmethod
    def random(cls) -> Login:
        """Return a login that nobody can guess."""
        return cls("grader", secrets.token_urlsafe(24))


class Node(ABC):
    """A RabbitMQ that the grader starts and ends."""

    host = "127.0.0.1"
    port = 0
    """Return the port where AMQP is spoken, once `ready`."""
    management_port = 0
    """Return the port where the management HTTP API answers, once `ready`."""

    @abstractmethod
    def spawn(self) -> None:
        """Begin to start it; `ready` tells when it serves."""

    @abstractmethod
    def ready(self) -> bool:
        """Tell whether it serves. Never waits for long.

        Raises:
            ServiceError: it ended, or takes too long.
        """

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Tell whether its process runs."""

    @abstractmethod
    def join(self) -> None:
        """Wait until its process ends."""

    @abstractmethod
    def stop(self) -> None:
        """End it at once and remove what it left. May be called twice."""

    def answers(self) -> bool:
        """Tell whether it greets a client that speaks AMQP."""
        return greets(self.host, self.port) and greets_http(self.host, self.management_port)

    def wait(self) -> None:
        """Start it and wait until it serves.

        Raises:
            ServiceError: it does not.
        """
        self.spawn()
        while not self.ready():
            time.sleep(0.05)


class FirstThatStarts(Node):
    """The first of several nodes that starts; once it served, it stays that one."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        """`nodes` are in the order in which they are tried."""
        self.node, *self._left = nodes
        """The one in use."""
        self._served = False
        self._failed: list[ServiceError] = []

    @property
    def port(self) -> int:  # type: ignore[override]  # read-only here
        """Return the port where AMQP is spoken, once `ready`."""
        return self.node.port

    @property
    def management_port(self) -> int:  # type: ignore[override]  # as above
        """Return the port where the management HTTP API answers, once `ready`."""
        return self.node.management_port

    def spawn(self) -> None:
        """Begin to start it; `ready` tells when it serves."""
        try:
            self.node.spawn()
        except (ServiceError, OSError) as error:
            self._go_on(error)

    def ready(self) -> bool:
        """Tell whether it serves. Never waits for long.

        Raises:
            ServiceError: none of them starts.
        """
        try:
            self._served |= (ready := self.node.ready())
        except (ServiceError, OSError) as error:
            self._go_on(error)
            return False
        return ready

    def _go_on(self, error: ServiceError | OSError) -> None:
        problem = error if isinstance(error, ServiceError) else ServiceError(str(error))
        if self._served:
            raise problem
        self._failed.append(problem)
        self.node.stop()
        if not self._left:
            messages = "; ".join(each.message for each in self._failed)
            raise ServiceError(messages, problem.help)
        self.node = self._left.pop(0)
        self.spawn()

    @property
    def alive(self) -> bool:
        """Tell whether its process runs."""
        return self.node.alive

    def join(self) -> None:
        """Wait until its process ends."""
        self.node.join()

    def stop(self) -> None:
        """End it at once and remove what it left. May be called twice."""
        self.node.stop()

    def answers(self) -> bool:
        """Tell whether it greets a client that speaks AMQP."""
        return self.node.answers()


def greets(host: str, port: int, seconds: float = 2.0) -> bool:
    """Tell whether an AMQP 0-9-1 broker answers the protocol header with a method frame."""
    try:
        with socket.create_connection((host, port), timeout=seconds) as connection:
            connection.sendall(_PROTOCOL_HEADER)
            return connection.recv(1) == b"\x01"
    except OSError:
        return False


def greets_http(host: str, port: int, seconds: float = 2.0) -> bool:
    """Tell whether an HTTP server answers there."""
    try:
        with socket.create_connection((host, port), timeout=seconds) as connection:
            connection.sendall(b"HEAD / HTTP/1.0\r\n\r\n")
            return connection.recv(4) == b"HTTP"
    except OSError:
        return False
