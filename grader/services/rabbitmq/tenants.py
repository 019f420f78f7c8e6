"""Brokers that can be administered: a virtual host and a user for each lease."""

from __future__ import annotations

import secrets
from abc import abstractmethod
from dataclasses import dataclass, replace

from grader.services.rabbitmq.api import TENANT, ManagementApi
from grader.services.rabbitmq.lease import Broker, Evicted, Lease
from grader.services.rabbitmq.node import Login


@dataclass(frozen=True)
class NodeAddress:
    """The address of a node."""

    host: str
    port: int
    management_port: int
    generation: int = 1


class TenantBroker(Broker):
    """Makes a place of its own for each lease, and takes it away again."""

    def __init__(self, login: Login) -> None:
        self._login = login

    @abstractmethod
    def _place(self) -> NodeAddress:
        """Return where the node is now; waits until it serves.

        Raises:
            ServiceError: it does not.
        """

    def _api(self, place: NodeAddress) -> ManagementApi:
        return ManagementApi(place.host, place.management_port, self._login)

    def lease(self, again: Lease | None = None) -> Lease:
        """Make a new virtual host and user."""
        place = self._place()
        if again is None:
            name = f"{TENANT}{secrets.token_hex(6)}"
            again = Lease(
                place.host, place.port, name, secrets.token_urlsafe(18), name, self._login
            )
        made = replace(again, host=place.host, port=place.port, generation=place.generation)
        self._api(place).add_tenant(made.username, made.password)
        return made

    def check(self, lease: Lease) -> bool:
        """Prove that the node serves, and tell whether it is the one that the lease was made on.

        Raises:
            Evicted: the virtual host was removed, as the largest one, on an alarm.
            ServiceError: it does not serve.
        """
        place = self._place()
        api, same = self._api(place), place.generation == lease.generation
        if same and not api.has_tenant(lease.virtual_host):
            raise Evicted
        api.check_alarms()
        return same

    def release(self, lease: Lease) -> None:
        """Remove the virtual host and the user."""
        place = self._place()
        if place.generation == lease.generation:
            self._api(place).remove_tenant(lease.username)
