"""The servers of a comparison: real ones where there are any, else simulated."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from grader.compare.techniques.catalog import TECHNIQUES
from grader.compare.techniques.technique import Technique
from grader.errors import GraderError, ServiceError
from grader.host.child import start_module
from grader.host.interrupts import held
from grader.host.ports import free_ports
from grader.services.kafka.library import find_library
from grader.services.kafka.private import PrivateCluster
from grader.services.rabbitmq.choice import (
    URL_VARIABLE,
    OwnBroker,
    find_rabbitmq,
    first_that_starts,
)
from grader.services.rabbitmq.node import FirstThatStarts, Login
from grader.services.rabbitmq.private import PrivateNode, sweep_nodes
from grader.services.redis.choice import installed
from grader.services.redis.private import PrivateServer, sweep_servers

_VARIABLES = {
    "redis": "REDIS_URL",
    "sqs": "SQS_ENDPOINT_URL",
    "kafka": "KAFKA_BOOTSTRAP_SERVERS",
}
_SIMULATORS = {"redis": "fakeredis", "sqs": "moto"}
_OF_THE_MOCK_CLUSTER = {"session_ms": 3000, "fetch_wait_ms": 10}
"""Settings of its places: a session that a real broker would find too short, so that a crash run is
short, and fetches that end soon, since it wakes none when something comes."""
_STOP_SECONDS = 5


class Servers:
    """Where each server is, and what it is."""

    def __init__(self, stack: ExitStack, techniques: Sequence[Technique]) -> None:
        self._stack = stack
        self._techniques = techniques
        self._node: FirstThatStarts | None = None
        self._login = Login.random()
        self._rabbitmq_url = ""
        self.urls: dict[str, str] = {}
        self.more: dict[str, dict[str, Any]] = {}
        """By service: what its places have besides the URL."""
        self.behind: dict[str, str] = {
            each.id: "real: files and sockets of this machine"
            for each in TECHNIQUES
            if each.service is None
        }
        """What stands behind each technique, by its id."""
        self.missing: dict[str, str] = {}
        """Why a service cannot be had here, by its name."""

    def begin(self, *, real: bool) -> None:
        """Start what the techniques need; RabbitMQ goes on starting in the background.

        Raises:
            GraderError: real servers were asked for, and there is none, or it does not answer.
        """
        if real and not any(os.environ.get(v) for v in _VARIABLES.values()) and not installed():
            raise GraderError(
                "there is no real Redis, SQS or Kafka to measure",
                "Install redis-server, or set REDIS_URL, SQS_ENDPOINT_URL or "
                "KAFKA_BOOTSTRAP_SERVERS, or leave out --real.",
            )
        wanted = {each.service for each in self._techniques}
        for name, variable in _VARIABLES.items():
            if name not in wanted:
                continue
            # Redis is real wherever it can be, as RabbitMQ is; SQS costs money.
            url = os.environ.get(variable) if real or name == "redis" else None
            if url:
                self._stands_behind(name, "real: " + _asked(name, url, variable))
            elif name == "redis" and (program := installed()):
                url = self._start_redis(program)
                self._stands_behind(name, f"real: {_describe(name, url)}, private server")
            elif name == "kafka":
                try:
                    url = self._start_kafka()
                except ServiceError as error:
                    self.missing[name] = str(error)
                    continue
            else:
                url = self._simulate(name)
                simulator = _SIMULATORS[name]
                self._stands_behind(name, f"simulated: {simulator} {version(simulator)}")
            self.urls[name] = url
        if "rabbitmq" in wanted:
            self._begin_rabbitmq()

    def _stands_behind(self, service: str, what: str) -> None:
        self.behind |= {each.id: what for each in self._techniques if each.service == service}

    def _begin_rabbitmq(self) -> None:
        try:
            found = find_rabbitmq()
            own = isinstance(found.choice, OwnBroker)
            if os.environ.get(URL_VARIABLE) and not own:  # another one is not what was asked for
                raise GraderError(
                    f"{URL_VARIABLE} names a RabbitMQ that does not answer: {found.passed_over[0]}",
                    "Start it, or unset the variable to use a private one.",
                )
            if own:
                self._rabbitmq_url = os.environ[URL_VARIABLE]
            else:
                sweep_nodes()
                self._node = first_that_starts(found.to_start, self._login)
                self._stack.callback(self._node.stop)
                with held():
                    self._node.spawn()
        except ServiceError as error:
            self.missing["rabbitmq"] = str(error)

    def finish(self) -> None:
        """Wait until RabbitMQ serves."""
        import pika  # noqa: PLC0415 - not before it is needed
        from pika.adapters.utils.connection_workflow import (  # noqa: PLC0415 - as above
            AMQPConnectorException,
        )

        if self._node is not None and not self.missing:
            try:
                while not self._node.ready():
                    time.sleep(0.05)
            except ServiceError as error:
                self.missing["rabbitmq"] = str(error)
                return
            login = f"{self._login.username}:{self._login.password}"
            self._rabbitmq_url = f"amqp://{login}@127.0.0.1:{self._node.port}/"
        if not self._rabbitmq_url:
            return
        self.urls["rabbitmq"] = self._rabbitmq_url
        try:
            with pika.BlockingConnection(pika.URLParameters(self._rabbitmq_url)) as connection:
                # pika has no public name for what the server said of itself.
                said = connection._impl.server_properties  # noqa: SLF001
        # pika lets a name that does not resolve through.
        except (pika.exceptions.AMQPError, AMQPConnectorException, OSError) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise GraderError(
                f"{URL_VARIABLE} names a RabbitMQ that does not answer: {why}",
                "Start it, or unset the variable to use a private one.",
            ) from None
        kind = "private node" if self.restartable else "server"
        number = (
            bytes(said["version"]).decode()
            if isinstance(said["version"], bytes)
            else said["version"]
        )
        self._stands_behind("rabbitmq", f"real: RabbitMQ {number}, {kind}")

    @property
    def restartable(self) -> PrivateNode | None:
        """The broker that may be killed and started again."""
        node = self._node.node if self._node else None
        return node if isinstance(node, PrivateNode) else None

    def _simulate(self, name: str) -> str:
        with held():
            process = start_module(
                "grader.compare.server", name, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            self._stack.callback(_end, process)
        assert process.stdout is not None
        port = process.stdout.readline().strip().decode()
        if not port:
            raise ServiceError(f"the simulated {name} did not start", "Try again.")
        return f"redis://127.0.0.1:{port}" if name == "redis" else f"http://127.0.0.1:{port}"

    def _start_kafka(self) -> str:
        cluster = PrivateCluster(find_library(), bounded=False)
        with held():
            cluster.start()
            self._stack.callback(cluster.stop)
        url = f"127.0.0.1:{cluster.port}"
        self.more["kafka"] = _OF_THE_MOCK_CLUSTER
        self._stands_behind("kafka", f"simulated: librdkafka {cluster.version}'s mock cluster")
        return url

    def _start_redis(self, program: str) -> str:
        sweep_servers()
        (port,) = free_ports(0)
        server = PrivateServer(program, port=port)
        with held():
            server.start()
            self._stack.callback(server.stop)
        server.connect().close()  # waits until it serves
        return f"redis://127.0.0.1:{port}"


def _asked(name: str, url: str, variable: str) -> str:
    """Return what answers at a URL that the user set."""
    try:
        return _describe(name, url)
    except Exception as error:  # noqa: BLE001 - whatever the client raises
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise GraderError(
            f"{variable} names a server that does not answer: {reason}",
            "Start it, or unset the variable, or leave out --real.",
        ) from None


def _describe(name: str, url: str) -> str:
    """Ask a server for its name and version."""
    if name == "redis":
        import redis  # noqa: PLC0415 - not before it is needed

        with redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=5) as client:
            return f"Redis {client.info('server')['redis_version']}"
    if name == "kafka":
        from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - as above

        AdminClient({"bootstrap.servers": url, "log_level": 0}).list_topics(timeout=5)
        return f"Kafka at {url}"
    from grader.compare.place import sqs_client  # noqa: PLC0415 - as above

    sqs_client(url).list_queues()
    return f"SQS at {urlsplit(url).netloc}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        _kill(process)
    process.stdout.close()


@contextmanager
def servers(techniques: Sequence[Technique], *, real: bool) -> Iterator[Servers]:
    """Those that the techniques need, ended at the end.

    Raises:
        GraderError: a real one was asked for and does not answer.
    """
    if not sys.platform.startswith(("linux", "darwin")):
        raise GraderError("compare needs Linux or macOS", "Use WSL2 on Windows.")
    with ExitStack() as stack:
        found = Servers(stack, techniques)
        found.begin(real=real)
        yield found
