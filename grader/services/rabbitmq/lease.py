"""A submission's place on a RabbitMQ, and where such places come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from urllib.parse import quote

from grader.services.rabbitmq.node import Login


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


class Evicted(Exception):  # noqa: N818 - of a place, and no error of the grader's
    """The broker was short of memory or disk, and this place took the most of it."""


class Broker(ABC):
    """The source of leases. Made before the run forks; used in any process of it."""

    @abstractmethod
    def lease(self, again: Lease | None = None) -> Lease:
        """Lease a place on the broker; wait until it serves. `again`: one with the same names.

        Raises:
            ServiceError: there is no broker.
        """

    @abstractmethod
    def check(self, lease: Lease) -> bool:
        """Prove that the broker serves. False when it is another node than the lease's.

        Raises:
            Evicted: the place was removed.
            ServiceError: it does not serve.
        """

    def release(self, lease: Lease) -> None:  # noqa: B027 - nothing to do is a fine default
        """Give a place back, with all that is in it."""

    def close(self) -> None:  # noqa: B027 - as above
        """End what the run started. May be called twice; does nothing in a forked process."""
