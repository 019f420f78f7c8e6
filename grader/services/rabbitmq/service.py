"""RabbitMQ as one submission meets it: a virtual host of its own behind a relay."""

from __future__ import annotations

import contextlib
import socket
import time

import pika
import pika.exceptions
from pika.adapters.utils.connection_workflow import AMQPConnectorException

from grader.errors import ServiceError
from grader.services.base import Service
from grader.services.rabbitmq.lease import Broker, Evicted
from grader.services.rabbitmq.relay import Relay

MAX_BYTES = 64 << 20
"""What one submission may send to the broker that all share; beyond it is cut off."""
_PROMPT = 1.0
"""Seconds within which a broker that is well lets the suite in."""
_FAILURES = (pika.exceptions.AMQPError, AMQPConnectorException)
"""Of a connection; the second has no base of pika's own."""


class RabbitMQService(Service):
    """A place on the run's broker, and the relay that leads there.

    On a broker of the grader's own, `virtual_host` and `username` are this submission's alone,
    and `close` removes them with every queue. On the user's own broker (RABBITMQ_URL) they are
    what the URL names: there only random queue names keep things apart, and queues stay.
    """

    def __init__(self, broker: Broker) -> None:
        """Take a place on `broker`; waits until it serves.

        Raises:
            ServiceError: the machine has no RabbitMQ.
        """
        self._broker = broker
        self._lease = broker.lease()
        self._relay: Relay | None = None
        self._died = False
        self._evicted = False
        self._closed = False

    def attach(self, listener: socket.socket, port: int) -> None:
        """Relay every connection that `listener` accepts to the broker."""
        self.port = port
        self._relay = Relay(
            listener,
            lambda: (self._lease.host, self._lease.port),
            MAX_BYTES,
            self.observe,
            self.gate,
        )

    # What the consumer needs -----------------------------------------------------

    @property
    def username(self) -> str:
        """Whom the consumer logs in as."""
        return self._lease.username

    @property
    def password(self) -> str:
        """The consumer's password."""
        return self._lease.password

    @property
    def virtual_host(self) -> str:
        """Return the virtual host of the consumer's queues."""
        return self._lease.virtual_host

    # What the suite needs --------------------------------------------------------

    def connect(self) -> pika.BlockingConnection:
        """Open a trusted connection straight to the broker, in the same virtual host. Close it.

        The relay does not count it, and no limit of the submission's applies to it.

        Raises:
            ServiceError: the broker does not serve.
        """
        begin = time.monotonic()
        try:
            return self._connect()
        except _FAILURES:
            self._renew()  # an evicted place is not made again
        try:
            return self._connect()
        except _FAILURES as error:
            raise ServiceError(f"RabbitMQ refuses the grader's own connection: {error!r}") from None
        finally:
            took = time.monotonic() - begin
            if took > _PROMPT:
                self.lost += took

    def _connect(self) -> pika.BlockingConnection:
        lease = self._lease
        parameters = pika.ConnectionParameters(
            host=lease.host,
            port=lease.port,
            virtual_host=lease.virtual_host,
            credentials=pika.PlainCredentials(lease.trusted.username, lease.trusted.password),
            # It may stand still while the suite waits for the student's process.
            heartbeat=0,
            blocked_connection_timeout=10,
            socket_timeout=10,
        )
        return pika.BlockingConnection(parameters)

    @property
    def shared(self) -> bool:
        """Tell that all submissions of a run use the same broker."""
        return True

    @property
    def open_connections(self) -> int:
        """Return how many connections the consumer's processes have open now."""
        return self._attached.open_connections

    def wait_closed(self, timeout: float) -> bool:
        """Wait until they have none open; False when one still is after `timeout` seconds.

        The broker gives back what such a connection held a moment after its end.
        """
        return self._attached.wait_closed(timeout)

    def drop_connections(self) -> int:
        """Cut them all, as a broker's crash would; how many there were."""
        return self._attached.drop_connections()

    def close_connections(self) -> int:
        """Close them all with the word of a broker that is shut down; how many there were."""
        close = pika.spec.Connection.Close(320, "CONNECTION_FORCED - shutdown", 0, 0)
        return self._attached.part(pika.frame.Method(0, close).marshal())

    @property
    def redelivered(self) -> int:
        """Deliveries to the consumer's processes so far that the broker marked as redelivered."""
        return self._attached.redelivered

    @property
    def exceeded(self) -> bool:
        """Tell whether the submission sent more than it may and was cut off."""
        return bool(self.why_exceeded)

    @property
    def why_exceeded(self) -> str:
        """Return what it did, as a clause about the program."""
        if self._evicted:
            return "made RabbitMQ keep so much that it ran short of memory or disk"
        return self._attached.why_exceeded if self._relay is not None else ""

    @property
    def bytes_up(self) -> int:
        """Bytes that the consumer's processes sent to the broker so far."""
        return self._attached.bytes_up

    @property
    def bytes_down(self) -> int:
        """Bytes that they got from it so far."""
        return self._attached.bytes_down

    @property
    def _attached(self) -> Relay:
        if self._relay is None:
            raise RuntimeError("the service is not attached to a sandbox")
        return self._relay

    # Life ----------------------------------------------------------------------------

    def check(self) -> None:
        """Prove that the broker serves, and that it is the one that served before.

        A broker that died is replaced, so that the checks that follow have one.

        Raises:
            ServiceError: it does not, or died meanwhile.
        """
        if not self._died:
            self._renew()
        if self._died:
            self._died = False
            raise ServiceError("RabbitMQ died during this check", "Grade the submission again.")

    def serves(self) -> bool:
        """Tell whether the broker answers and no alarm blocks it; waits for one that restarts."""
        try:
            self._broker.check(self._lease)
        except ServiceError:
            return False
        except Evicted:
            self._evict()
        return True

    def _evict(self) -> None:
        self._evicted = True
        if self._relay is not None:
            self._relay.refuse()

    def _renew(self) -> None:
        """Take the same place on the node that replaced a dead one."""
        try:
            if not self._broker.check(self._lease):
                self._died = True
                self._lease = self._broker.lease(self._lease)
        except Evicted:
            self._evict()

    def close(self) -> None:
        """Cut the connections and give the place back."""
        if self._relay is not None:
            self._relay.close()
            self._relay = None
        if not self._closed:
            self._closed = True
            # What cannot be given back goes with the node, at the end of the run.
            with contextlib.suppress(ServiceError):
                self._broker.release(self._lease)
