"""Runs the event generator as a person does, and offers it servers to send to."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from fakeredis import TcpFakeServer
from moto.server import ThreadedMotoServer

from grader.errors import ServiceError
from grader.services.kafka.library import find_library
from grader.services.kafka.onlooker import Onlooker
from grader.services.kafka.private import PrivateCluster
from grader.services.rabbitmq.broker import rabbitmq_url as any_rabbitmq_url

GENERATOR = Path(__file__).parents[2] / "resources" / "event_generator.py"
SECONDS = 60
"""How long a run may take; only one that hangs gets there."""
_SERVERS = (
    *("REDIS_URL", "RABBITMQ_URL", "SQS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID"),
    "KAFKA_BOOTSTRAP_SERVERS",
)


@dataclass
class Generator:
    """The command line, run in a folder of its own and without settings from outside."""

    folder: Path

    def run(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            self._command(arguments),
            cwd=self.folder,
            env=self._environment(environment),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    @contextmanager
    def start(
        self, *arguments: object, on_ctrl_c: Any = signal.default_int_handler
    ) -> Iterator[subprocess.Popen[str]]:
        """Start it, and end it with the block if it has not ended.

        `on_ctrl_c`: SIG_IGN starts it as a shell starts a program in the background.
        """
        # A program inherits whether SIGINT is ignored, and pytest may run in the background.
        before = signal.signal(signal.SIGINT, on_ctrl_c)
        try:
            process = subprocess.Popen(
                self._command(arguments),
                cwd=self.folder,
                env=self._environment({}),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        finally:
            signal.signal(signal.SIGINT, before)
        with process:
            try:
                yield process
            finally:
                process.kill()

    def _command(self, arguments: tuple[object, ...]) -> list[str]:
        return [sys.executable, str(GENERATOR), *map(str, arguments)]

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _SERVERS}
        return kept | more


@pytest.fixture
def generator(tmp_path: Path) -> Generator:
    """The event generator's command line."""
    return Generator(tmp_path)


@pytest.fixture
def name() -> str:
    """A name for a channel or a queue that no other test uses."""
    return f"trips-{secrets.token_hex(4)}"


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis server."""
    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"redis://127.0.0.1:{server.server_address[1]}/0"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def sqs_url() -> Iterator[str]:
    """An SQS server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def sqs(sqs_url: str) -> Iterator[Any]:
    """A client of it."""
    client = boto3.client(
        "sqs",
        endpoint_url=sqs_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    yield client
    client.close()


@pytest.fixture(scope="session")
def kafka() -> Iterator[PrivateCluster]:
    """A Kafka cluster; it serves at `port` of 127.0.0.1."""
    cluster = PrivateCluster(find_library(), bounded=False)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def onlooker(kafka: PrivateCluster) -> Iterator[Onlooker]:
    """Who sees what is in its topics."""
    seeing = Onlooker(f"127.0.0.1:{kafka.port}")
    yield seeing
    seeing.close()


@pytest.fixture(scope="session")
def rabbitmq_url() -> Iterator[str]:
    """A RabbitMQ broker: RABBITMQ_URL, or one that is started for the tests."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(any_rabbitmq_url())
        except ServiceError as error:
            pytest.skip(str(error))
        yield url


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on which nothing listens: it is taken, and nobody else can."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
