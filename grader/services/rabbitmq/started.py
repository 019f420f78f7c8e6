"""A RabbitMQ of the run's own, shared by the processes that the run forks."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import weakref

from grader.errors import ServiceError
from grader.host.child import start_module
from grader.services.rabbitmq.choice import Startable, written
from grader.services.rabbitmq.node import Login
from grader.services.rabbitmq.tenants import NodeAddress, TenantBroker

_ANSWER_SECONDS = 250
"""Beyond what a start may take: a supervisor that is silent for so long is stuck."""


class StartedBroker(TenantBroker):
    """A node of the run's own, kept by a supervisor process. Starts in the background."""

    def __init__(self, *choices: Startable) -> None:
        """Start the first of `choices` that starts."""
        super().__init__(Login.random())
        self._owner = os.getpid()
        self._life, theirs = socket.socketpair()
        _close_in_children(self._life)
        with theirs, socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
            self._address = listener.getsockname()
            self._supervisor: subprocess.Popen[bytes] | None = start_module(
                "grader.services.rabbitmq.supervisor",
                str(theirs.fileno()),
                str(listener.fileno()),
                pass_fds=(theirs.fileno(), listener.fileno()),
            )
        config = {
            "choices": written(choices),
            "username": self._login.username,
            "password": self._login.password,
        }
        self._life.sendall(json.dumps(config).encode() + b"\n")

    @property
    def supervisor_pid(self) -> int:
        """The process that keeps the node; 0 after `close`."""
        return self._supervisor.pid if self._supervisor else 0

    def _place(self) -> NodeAddress:
        try:
            with (
                socket.create_connection(self._address, timeout=_ANSWER_SECONDS) as connection,
                connection.makefile("rb") as stream,
            ):
                said = stream.read(65536)
            answer = json.loads(said)
        except (OSError, ValueError) as error:
            raise ServiceError("the process that keeps RabbitMQ ended", "Start again.") from error
        if "error" in answer:
            raise ServiceError(answer["error"], answer["help"])
        return NodeAddress(**answer)

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
