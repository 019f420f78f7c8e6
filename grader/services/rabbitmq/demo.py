"""The RabbitMQ of the lessons' demos, as a broker."""

from __future__ import annotations

from grader.errors import ServiceError
from grader.services.demo import servers
from grader.services.rabbitmq.node import Login
from grader.services.rabbitmq.tenants import NodeAddress, TenantBroker


class DemoBroker(TenantBroker):
    """The one that `grader services up` started: saves a learner's tests a start of their own."""

    def __init__(self) -> None:
        super().__init__(Login("guest", "guest"))

    def _place(self) -> NodeAddress:
        server = servers.status("rabbitmq")
        if server.process is None:
            raise ServiceError("the demos' RabbitMQ does not run", "Run `grader services up`.")
        return NodeAddress("127.0.0.1", server.kind.port, server.management_port)
