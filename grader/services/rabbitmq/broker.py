"""The RabbitMQ of a whole run: the one that this machine offers."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from grader.errors import ServiceError
from grader.services.rabbitmq.choice import URL_VARIABLE, OwnBroker, find_rabbitmq
from grader.services.rabbitmq.lease import Broker, Lease
from grader.services.rabbitmq.node import Login, greets
from grader.services.rabbitmq.started import StartedBroker


class UsersBroker(Broker):
    """A broker that the user runs. Submissions share its virtual host and login.

    So it is for one's own code: only random queue names keep submissions apart.
    """

    def __init__(self, own: OwnBroker) -> None:
        self._own = own

    def lease(self, again: Lease | None = None) -> Lease:  # noqa: ARG002 - the base class's
        """Return the place that the URL names."""
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
        """Tell whether it greets."""
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

    def lease(self, again: Lease | None = None) -> Lease:  # noqa: ARG002 - the base class's
        """Say what is missing."""
        raise self._reason

    def check(self, lease: Lease) -> bool:  # noqa: ARG002 - as above
        """Say what is missing."""
        raise self._reason


def start_broker() -> Broker:
    """Return the broker that this machine offers; a node of our own begins to start. Never raises.

    What is missing is said when a lease is asked for, so that a run without RabbitMQ still
    grades everything else.
    """
    try:
        return _start()
    except ServiceError as error:
        return NoBroker(error)


def _start() -> Broker:
    found = find_rabbitmq()
    for reason in found.passed_over:
        print(f"RabbitMQ: {reason}; {found.in_words} is used.", file=sys.stderr)  # noqa: T201 - of what a run uses
    if isinstance(found.choice, OwnBroker):
        return UsersBroker(found.choice)
    if not hasattr(os, "fork"):
        raise ServiceError(
            "on Windows the grader starts no RabbitMQ",
            "Start one (`docker compose up rabbitmq`) and set "
            f"{URL_VARIABLE}=amqp://guest:guest@localhost:5672/.",
        )
    return StartedBroker(*found.to_start)


@contextmanager
def run_broker() -> Iterator[Broker]:
    """Start the broker of a run, and end it with the run."""
    broker = start_broker()
    try:
        yield broker
    finally:
        broker.close()


@contextmanager
def rabbitmq_url() -> Iterator[str]:
    """Give the URL of a RabbitMQ for tests in the student's own process.

    `RABBITMQ_URL`, else a virtual host of their own on the broker that `grader services up`
    started, else on one that is started and ended here, which takes some seconds.

    Raises:
        ServiceError: the machine has none; the message says what to install.
    """
    with contextlib.ExitStack() as stack:
        broker = _demo_broker() or stack.enter_context(run_broker())
        lease = broker.lease()
        stack.callback(broker.release, lease)
        yield lease.url


def _demo_broker() -> Broker | None:
    """Return the broker of the demos, when it runs and no other is asked for."""
    if os.environ.get(URL_VARIABLE) or not hasattr(os, "fork"):
        return None
    from grader.services.rabbitmq.demo import DemoBroker  # noqa: PLC0415 - not for Windows

    broker = DemoBroker()
    with contextlib.suppress(ServiceError):
        broker.release(broker.lease())
        return broker
    return None
