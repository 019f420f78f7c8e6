"""RabbitMQ: the one of RABBITMQ_URL, or a private node, which may be killed and started again."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from typing import ClassVar

from grader.compare.servers.server import Server
from grader.errors import GraderError
from grader.host.interrupts import held
from grader.services.rabbitmq.choice import (
    URL_VARIABLE,
    OwnBroker,
    find_rabbitmq,
    first_that_starts,
)
from grader.services.rabbitmq.node import FirstThatStarts, Login
from grader.services.rabbitmq.private import PrivateNode, sweep_nodes


class RabbitMQServer(Server):
    """A real broker, always: nothing simulates one."""

    variable: ClassVar[str] = URL_VARIABLE

    def __init__(self, service: str, stack: ExitStack) -> None:
        super().__init__(service, stack)
        self._node: FirstThatStarts | None = None
        self._login = Login.random()

    def begin(self, *, real: bool) -> None:  # noqa: ARG002 - as the class says
        """Take the broker of RABBITMQ_URL, or let a private node start in the background."""
        found = find_rabbitmq()
        self.ours = not isinstance(found.choice, OwnBroker)
        if not self.ours:
            self.url = os.environ[URL_VARIABLE]
        elif os.environ.get(URL_VARIABLE):  # another one is not what was asked for
            raise _does_not_answer(found.passed_over[0])
        else:
            sweep_nodes()
            self._node = first_that_starts(found.to_start, self._login)
            self.start()

    def start(self) -> None:
        """Begin to start the node."""
        assert self._node is not None
        self.stack.callback(self._node.stop)
        with held():
            self._node.spawn()

    def finish(self) -> None:
        """Wait until the node serves, and ask which version it is."""
        if self._node is not None:
            while not self._node.ready():
                time.sleep(0.05)
            login = f"{self._login.username}:{self._login.password}"
            self.url = f"amqp://{login}@127.0.0.1:{self._node.port}/"
        kind = "private node" if self.restartable else "server"
        self.behind = f"real: {self.describe()}, {kind}"

    def describe(self) -> str:
        """Ask for its version, which a broker says to each client that connects."""
        import pika  # noqa: PLC0415 - not before it is needed
        from pika.adapters.utils.connection_workflow import (  # noqa: PLC0415 - as above
            AMQPConnectorException,
        )

        try:
            with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
                # pika has no public name for what the server said of itself.
                said = connection._impl.server_properties  # noqa: SLF001
        # pika lets a name that does not resolve through.
        except (pika.exceptions.AMQPError, AMQPConnectorException, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise _does_not_answer(reason) from None
        number = said["version"]
        return f"RabbitMQ {number.decode() if isinstance(number, bytes) else number}"

    @property
    def restartable(self) -> PrivateNode | None:
        """The private node, where there is one."""
        node = self._node.node if self._node else None
        return node if isinstance(node, PrivateNode) else None


def _does_not_answer(reason: str) -> GraderError:
    return GraderError(
        f"{URL_VARIABLE} names a RabbitMQ that does not answer: {reason}",
        "Start it, or unset the variable to use a private one.",
    )
