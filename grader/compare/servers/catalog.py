"""All servers of a comparison: real ones where there are any, else simulated."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from grader.compare.servers.demo import DemoServer
from grader.compare.servers.kafka import KafkaServer
from grader.compare.servers.rabbitmq import RabbitMQServer
from grader.compare.servers.redis import RedisServer
from grader.compare.servers.server import Server
from grader.compare.servers.sqs import SqsServer
from grader.compare.techniques.technique import Technique
from grader.errors import GraderError, ServiceError
from grader.services.rabbitmq.private import PrivateNode

_SERVERS: dict[str, type[Server]] = {
    "redis": RedisServer,
    "sqs": SqsServer,
    "kafka": KafkaServer,
    "rabbitmq": RabbitMQServer,
}
"""By the kind's name in course.toml; every other one is served as its demos are."""


class Servers:
    """The servers: where each is, and what it is."""

    def __init__(self, stack: ExitStack, techniques: Sequence[Technique]) -> None:
        self._techniques = techniques
        wanted = dict.fromkeys(each.service for each in techniques if each.service)
        self._servers = [_SERVERS.get(name, DemoServer)(name, stack) for name in wanted]
        self.urls: dict[str, str] = {}
        """By service; of RabbitMQ not before it serves."""
        self.settings: dict[str, Mapping[str, object]] = {}
        """What places have besides the URL, by service."""
        self.missing: dict[str, str] = {}
        """Why a service cannot be had here, by its name."""

    def begin(self, *, real: bool) -> None:
        """Start what the techniques need; RabbitMQ goes on starting in the background.

        Raises:
            GraderError: real servers were asked for, and there is none, or it does not answer.
        """
        can_be_asked_for = (RedisServer, SqsServer, KafkaServer)
        if real and not any(each.can_be_real() for each in can_be_asked_for):
            raise GraderError(
                "there is no real Redis, SQS or Kafka to measure",
                "Install redis-server, or set REDIS_URL, SQS_ENDPOINT_URL or "
                "KAFKA_BOOTSTRAP_SERVERS, or leave out --real.",
            )
        for server in self._servers:
            with self._noting(server):
                server.begin(real=real)

    def finish(self) -> None:
        """Wait until all serve.

        Raises:
            GraderError: somebody's own does not answer.
        """
        for server in self._there:
            with self._noting(server):
                server.finish()

    @contextmanager
    def _noting(self, server: Server) -> Iterator[None]:
        """Note where a server is after a step of its start, or why it cannot be had."""
        try:
            yield
        except ServiceError as error:
            self.missing[server.service] = str(error)
            self.urls.pop(server.service, None)
        else:
            self.urls[server.service] = server.url
            self.settings[server.service] = server.settings if server.ours else {}

    @property
    def _there(self) -> list[Server]:
        return [each for each in self._servers if each.service not in self.missing]

    @property
    def behind(self) -> dict[str, str]:
        """Return what stands behind each technique, by its id."""
        words: dict[str | None, str] = {each.service: each.behind for each in self._there}
        words[None] = "real: files and sockets of this machine"
        return {each.id: words[each.service] for each in self._techniques if each.service in words}

    @property
    def restartable(self) -> dict[str, PrivateNode]:
        """The brokers that may be killed and started again, by service."""
        nodes = {each.service: each.restartable for each in self._there}
        return {name: node for name, node in nodes.items() if node is not None}


@contextmanager
def servers(techniques: Sequence[Technique], *, real: bool) -> Iterator[Servers]:
    """Start the servers that the techniques need; they end with the block.

    Raises:
        GraderError: a real one was asked for and does not answer.
    """
    if not sys.platform.startswith(("linux", "darwin")):
        raise GraderError("compare needs Linux or macOS", "Use WSL2 on Windows.")
    with ExitStack() as stack:
        found = Servers(stack, techniques)
        found.begin(real=real)
        yield found
