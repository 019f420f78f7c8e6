"""One RabbitMQ for a whole run, shared by the processes that the run forks."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import quote

from grader.errors import ServiceError
from grader.services.child import start_module
from grader.services.rabbitmq_api import ManagementApi
from grader.services.rabbitmq_choice import DockerChoice, OwnBroker, ServerChoice, find_rabbitmq
from grader.services.rabbitmq_docker import fetch_image
from grader.services.rabbitmq_node import Login, greets

_ANSWER_SECONDS = 150
"""Beyond what a start may take: a supervisor that is silent for so long is stuck."""


@dataclass(frozen=True)
class Lease:
    """A place of one's own on a broker: a virtual host, and a user who may use it alone."""

    host: str
    port: int
    username: str
    password: str
    virtual_host: str
    trusted: Login
    """Whom the grader itself logs in as."""
    generation: int = 0
    """Counts the nodes of a run; another number means that the node died and a new one runs."""

    @property
    def url(self) -> str:
        """As an AMQP URL, for clients outside a sandbox."""
        user, password, virtual_host = (
            quote(part, safe="") for part in (self.username, self.password, self.virtual_host)
        )
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"amqp://{user}:{password}@{host}:{self.port}/{virtual_host}"


class Broker(ABC):
    """Where leases come from. Made before the run forks; used in any process of it."""

    @abstractmethod
    def lease(self, again: Lease | None = None) -> Lease:
        """A place on the broker; waits until it serves. `again`: one with the same names.

        Raises:
            ServiceError: there is no broker.
        """

    @abstractmethod
    def check(self, lease: Lease) -> bool:
        """Prove that the broker serves. False when it is another node than the lease's.

        Raises:
            ServiceError: it does not serve.
        """

    def release(self, lease: Lease) -> None:
        """Give a place back, with all that is in it."""

    def close(self) -> None:
        """End what the run started. May be called twice; does nothing in a forked process."""


class StartedBroker(Broker):
    """A node of the run's own, kept by a supervisor process. Starts in the background."""

    def __init__(self, choice: ServerChoice | DockerChoice) -> None:
        self._owner = os.getpid()
        self._login = Login.random()
        self._life, theirs = socket.socketpair()
        _close_in_children(self._life)
        with theirs, socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
            self._address = listener.getsockname()
            self._supervisor: subprocess.Popen[bytes] | None = start_module(
                "grader.services.rabbitmq_supervisor",
                str(theirs.fileno()),
                str(listener.fileno()),
                pass_fds=(theirs.fileno(), listener.fileno()),
            )
        config = {
            "server": str(choice.script) if isinstance(choice, ServerChoice) else "",
            "username": self._login.username,
            "password": self._login.password,
        }
        self._life.sendall(json.dumps(config).encode() + b"\n")

    @property
    def supervisor_pid(self) -> int:
        """The process that keeps the node; 0 after `close`."""
        return self._supervisor.pid if self._supervisor else 0

    def lease(self, again: Lease | None = None) -> Lease:
        """A new virtual host and user."""
        host, port, management, generation = self._node()
        if again is None:
            name = f"submission-{secrets.token_hex(6)}"
            again = Lease(host, port, name, secrets.token_urlsafe(18), name, self._login)
        made = replace(again, host=host, port=port, generation=generation)
        ManagementApi(host, management, self._login).add_tenant(made.username, made.password)
        return made

    def check(self, lease: Lease) -> bool:
        """Whether the lease's node serves: it greets, and no alarm blocks publishers."""
        host, _, management, generation = self._node()
        ManagementApi(host, management, self._login).check_alarms()
        return generation == lease.generation

    def release(self, lease: Lease) -> None:
        """Remove the virtual host and the user."""
        host, _, management, generation = self._node()
        if generation == lease.generation:
            ManagementApi(host, management, self._login).remove_tenant(lease.username)

    def _node(self) -> tuple[str, int, int, int]:
        """Where the node is: host, AMQP port, management port, generation."""
        try:
            with socket.create_connection(self._address, timeout=_ANSWER_SECONDS) as connection:
                with connection.makefile("rb") as stream:
                    said = stream.read(65536)
            answer = json.loads(said)
        except (OSError, ValueError) as error:
            raise ServiceError("the process that keeps RabbitMQ ended", "Start again.") from error
        if "error" in answer:
            raise ServiceError(answer["error"], answer["help"])
        return answer["host"], answer["port"], answer["management_port"], answer["generation"]

    def close(self) -> None:
        """End the supervisor, and with it the node."""
        if os.getpid() != self._owner or self._supervisor is None:
            return
        self._life.close()
        try:
            self._supervisor.wait(20)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()
        self._supervisor = None


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
        with contextlib.suppress(OSError):
            # The address that answers: `localhost` may be ::1 or 127.0.0.1.
            with socket.create_connection((own.host, own.port), timeout=5) as found:
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


_PRIVATE: weakref.WeakSet[socket.socket] = weakref.WeakSet()


def _close_in_children(line: socket.socket) -> None:
    """Close it in forked processes: only the run's own end shall count."""
    _PRIVATE.add(line)


def _after_fork() -> None:
    for line in list(_PRIVATE):
        with contextlib.suppress(OSError):
            line.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
