"""The services' containers on a real engine: `make test-docker` runs one with stand-in images."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pika
import pytest
import redis

from grader.host.docker import docker
from grader.services.docker_engine import engine_answers, has_image
from grader.services.rabbitmq import docker as rabbitmq_docker
from grader.services.rabbitmq.choice import DockerChoice, find_rabbitmq
from grader.services.rabbitmq.docker import DockerNode
from grader.services.rabbitmq.node import Login
from grader.services.redis import docker as redis_docker
from grader.services.redis.docker import DockerServer
from grader.services.redis.service import RedisService
from grader.suite.settle import settled

pytestmark = pytest.mark.docker


def needs(image: str) -> Callable[[], None]:
    """A fixture that skips where no engine runs that has the image."""

    def check() -> None:
        if not engine_answers() or not has_image(image):
            pytest.skip(f"no Docker engine that has {image}")

    return check


with_rabbitmq = pytest.fixture(needs(rabbitmq_docker.IMAGE), name="with_rabbitmq")
with_redis = pytest.fixture(needs(redis_docker.IMAGE), name="with_redis")


def left(kind: str) -> list[str]:
    """Containers of this process's."""
    said = docker("ps", "--all", "--filter", f"name=stream-{kind}-", "--format", "{{.Names}}")
    return (said or "").split()


@pytest.fixture
def cleaned() -> Iterator[ExitStack]:
    """What it holds is closed also where the test fails."""
    with ExitStack() as stack:
        yield stack


@pytest.mark.usefixtures("with_rabbitmq")
def test_rabbitmq_by_container_serves_and_goes(
    cleaned: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message goes through; another login is refused; afterwards no container is left."""
    monkeypatch.delenv("RABBITMQ_URL", raising=False)
    assert isinstance(find_rabbitmq().choice, DockerChoice)
    login = Login.random()
    node = DockerNode(login)
    cleaned.callback(node.stop)
    node.wait()
    place = pika.ConnectionParameters(
        "127.0.0.1", node.port, credentials=pika.PlainCredentials(login.username, login.password)
    )
    with pika.BlockingConnection(place) as connection:
        channel = connection.channel()
        channel.queue_declare("jobs", durable=True)
        channel.basic_publish("", "jobs", b"one")
        assert channel.basic_get("jobs", auto_ack=True)[2] == b"one"
    guest = pika.ConnectionParameters("127.0.0.1", node.port)
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        pika.BlockingConnection(guest)
    node.stop()
    assert not settled(lambda: left("rabbitmq"), within=20)


@pytest.mark.usefixtures("with_redis")
def test_redis_by_container_serves_and_goes(cleaned: ExitStack) -> None:
    """Through the front that submissions have; afterwards no container is left."""
    service = RedisService(DockerServer())
    cleaned.callback(service.close)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    service.attach(listener, port)
    service.require_real()
    service.check()
    with redis.Redis(port=port) as client:
        client.xadd("s", {"event": "1"})
    assert service.client.xlen("s") == 1
    service.close()
    assert not settled(lambda: left("redis"), within=20)


@pytest.mark.usefixtures("with_rabbitmq")
def test_a_container_that_is_killed_is_replaced(cleaned: ExitStack) -> None:
    """The one who started it sees that it ended, and a new one serves."""
    node = DockerNode(Login.random())
    cleaned.callback(node.stop)
    node.wait()
    (name,) = left("rabbitmq")
    docker("kill", name)
    assert not settled(lambda: [name] if node.alive else [], within=20)
    node.wait()
    assert node.answers()
    assert left("rabbitmq") != [name]
