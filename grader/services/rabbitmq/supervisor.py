"""The process that keeps a run's RabbitMQ: starts it, replaces it when it dies, ends it.

It ends when the run does, however the run ends: the run holds one end of a socket, and the
kernel closes that. Grading processes ask it over a loopback port where the node is; the answer
comes when there is one. The answer holds no secret: the login came from the run itself.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import signal
import socket
import sys

from grader.errors import ServiceError
from grader.host.identity import adopt_orphans, reap_orphans
from grader.services.docker_engine import sweep_containers
from grader.services.rabbitmq.api import ManagementApi
from grader.services.rabbitmq.choice import DockerChoice, first_that_starts, read
from grader.services.rabbitmq.node import Login, Node
from grader.services.rabbitmq.private import sweep_nodes
from grader.services.rabbitmq.relief import Relief

_MAX_RESTARTS = 5
_TICK = 0.05


class Supervisor:
    """One node, and those who wait to hear where it is."""

    def __init__(
        self, life: socket.socket, listener: socket.socket, node: Node, login: Login
    ) -> None:
        self._node = node
        self._login = login
        self._listener = listener
        self._waiting: list[socket.socket] = []
        self._starting = False
        self._failure: ServiceError | None = None
        self._generation = 0
        self._selector = selectors.DefaultSelector()
        self._selector.register(life, selectors.EVENT_READ, "life")
        self._selector.register(listener, selectors.EVENT_READ, "request")
        self._child_ended = _on_child_end()
        self._selector.register(self._child_ended, selectors.EVENT_READ, "child")

    def run(self) -> None:
        """Serve until the run ends."""
        relief = Relief(self._api)
        try:
            self._spawn()
            while self._round():
                pass
        finally:
            relief.close()
            self._node.stop()
            reap_orphans(2)

    def _round(self) -> bool:
        """Wait for something to happen and see to it; False when the run has ended."""
        for key, _ in self._selector.select(_TICK if self._starting else None):
            match key.data:
                case "life":
                    return False
                case "request":
                    with contextlib.suppress(OSError):
                        self._waiting.append(self._listener.accept()[0])
                case "child":
                    self._child_ended.recv(4096)
        if self._starting:
            self._see_whether_ready()
        elif self._failure is None and not self._node.alive:
            self._spawn()
        if self._waiting and not self._starting:
            # A node that hangs is worth as little as one that ended.
            if self._failure is None and not self._node.answers():
                self._spawn()
            else:
                self._reply()
        return True

    def _api(self) -> ManagementApi | None:
        """The node's administration; None while it does not serve."""
        if self._generation == 0 or self._starting or self._failure is not None:
            return None
        return ManagementApi(self._node.host, self._node.management_port, self._login)

    def _spawn(self) -> None:
        self._generation += 1
        if self._generation > _MAX_RESTARTS + 1:
            self._failure = ServiceError(f"RabbitMQ died {_MAX_RESTARTS + 1} times in this run")
            return
        try:
            self._node.spawn()
            self._starting = True
        except (ServiceError, OSError) as error:
            self._give_up(error)

    def _see_whether_ready(self) -> None:
        try:
            self._starting = not self._node.ready()
        except (ServiceError, OSError) as error:
            self._give_up(error)

    def _give_up(self, error: ServiceError | OSError) -> None:
        self._starting = False
        self._failure = error if isinstance(error, ServiceError) else ServiceError(str(error))
        self._node.stop()

    def _reply(self) -> None:
        answer: dict[str, object]
        if self._failure is not None:
            answer = {"error": self._failure.message, "help": self._failure.help}
        else:
            answer = {
                "host": self._node.host,
                "port": self._node.port,
                "management_port": self._node.management_port,
                "generation": self._generation,
            }
        for connection in self._waiting:
            with contextlib.suppress(OSError), connection:
                connection.sendall(json.dumps(answer).encode())
        self._waiting.clear()


def _on_child_end() -> socket.socket:
    """A socket that becomes readable when a child of this process ends."""
    readable, writable = socket.socketpair()
    readable.setblocking(False)  # noqa: FBT003 - the standard library's
    writable.setblocking(False)  # noqa: FBT003 - the standard library's
    signal.set_wakeup_fd(writable.detach(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return readable


def main() -> None:
    """Run beside a grader: descriptors of the life line and the listener as arguments."""
    life, listener = (socket.socket(fileno=int(argument)) for argument in sys.argv[1:3])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    adopt_orphans()
    with life.makefile("rb") as lines:
        config = json.loads(lines.readline() or b"null")
    if config is None:
        return  # the run ended before it said anything
    choices = read(config["choices"])
    if DockerChoice() in choices:
        sweep_containers()
    sweep_nodes()
    login = Login(config["username"], config["password"])
    Supervisor(life, listener, first_that_starts(choices, login), login).run()


if __name__ == "__main__":
    main()
