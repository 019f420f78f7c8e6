"""The RabbitMQ of a whole run: the one that this machine offers."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from grader.errors import ServiceError
from grader.services.rabbitmq_choice import DockerChoice, OwnBroker, find_rabbitmq
from grader.services.rabbitmq_docker import fetch_image
from grader.services.rabbitmq_lease import Broker, Lease
from grader.services.rabbitmq_node import Login, greets
from grader.services.rabbitmq_started import StartedBroker


class UsersBroker(Broker):
    """A broker that the user runs. Submissions share its virtual host and login.

    So it is for one's own code: only random queue names keep submissions apart.
    """

    def __init__(self, own: OwnBroker) -> None:
        self._own = own

    def lease(self, again: Lease | None = None) -> Lease:
        """The place that the URL names."""
        own = self._own
        login = Login(own.username, own.password)
        host = own.host
        # The address that answers: `localhost` may be ::1 or 127.0.0.1.
        address = own.host, own.port
        with contextlib.suppress(OSError), socket.create_connection(address, 5) as found:
            host = found.getpeername()[0]
        lease = Lease(host, own.port, own.username, own.password, own.virtual_host, login)
        self.check(lease)
        return lease

    def check(self, lease: Lease) -> bool:
        """Whether it greets."""
        if not greets(lease.host, lease.port, 5):
            raise ServiceError(
                f"no RabbitMQ answers at {self._own.host}:{lease.port}, which RABBITMQ_URL names",
                "Start it, correct RABBITMQ_URL, or unset it to use a private broker.",
            )
        return True


class NoBroker(Broker):
    """The machine lacks RabbitMQ: says so whenever it is needed."""

    def __init__(self, reason: ServiceError) -> None:
        self._reason = reason

    def lease(self, again: Lease | None = None) -> Lease:
        """Say what is missing."""
        raise self._reason

    def check(self, lease: Lease) -> bool:
        """Say what is missing."""
        raise self._reason


def start_broker() -> Broker:
    """The broker that this machine offers; a node of our own begins to start. Never raises.

    What is missing is said when a lease is asked for, so that a run without RabbitMQ still
    grades everything else.
    """
    try:
        choice = find_rabbitmq()
        if isinstance(choice, OwnBroker):
            return UsersBroker(choice)
        if isinstance(choice, DockerChoice):
            fetch_image()
        return StartedBroker(choice)
    except ServiceError as error:
        return NoBroker(error)


@contextmanager
def run_broker() -> Iterator[Broker]:
    """The broker of a run, ended with it."""
    broker = start_broker()
    try:
        yield broker
    finally:
        broker.close()


@contextmanager
def rabbitmq_url() -> Iterator[str]:
    """The URL of a RabbitMQ for tests in the student's own process; started and ended here.

    Raises:
        ServiceError: the machine has none; the message says what to install.
    """
    with run_broker() as broker:
        yield broker.lease().url
