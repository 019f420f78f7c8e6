"""docker-compose.yml: the lessons' servers, pinned, healthy, and on loopback alone."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pika
import pytest
import redis as redis_client

from grader.host.docker import docker
from grader.services.catalog import OWN_KINDS, service_kinds
from grader.services.docker_engine import engine_answers, has_image
from grader.services.rabbitmq import docker as rabbitmq
from grader.services.redis import docker as redis

yaml = pytest.importorskip("yaml")
FILE = Path(__file__).parents[2] / "docker-compose.yml"
STOOD_IN = ("redis", "rabbitmq", "sqs")
"""Of these `make test-docker` makes images; there is no Kafka among Debian's packages."""


@pytest.fixture(scope="module")
def containers() -> dict[str, Any]:
    """The file's services."""
    read: dict[str, Any] = yaml.safe_load(FILE.read_text())
    services: dict[str, Any] = read["services"]
    return services


def test_there_is_a_container_for_each_service(containers: dict[str, Any]) -> None:
    """Its names are those of course.toml, and each publishes the lessons' port."""
    published = {
        name: [int(port.split(":")[1]) for port in container["ports"]]
        for name, container in containers.items()
    }
    assert published.keys() == set(OWN_KINDS)
    for kind in service_kinds(OWN_KINDS):
        assert kind.port in published[kind.name]


def test_every_port_is_published_on_loopback_alone(containers: dict[str, Any]) -> None:
    """The default logins (guest/guest, none) must not be reachable from the network."""
    ports = [port for container in containers.values() for port in container["ports"]]
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports), ports


def test_every_image_is_pinned(containers: dict[str, Any]) -> None:
    """A tag names at least major and minor version; `latest` would change under the lessons."""
    images = [container["image"] for container in containers.values()]
    assert all(re.search(r":\d+\.\d+(\.\d+)?(-management)?$", image) for image in images), images


def test_every_container_has_a_health_check(containers: dict[str, Any]) -> None:
    """So that `docker compose up --wait` returns when they answer, not when they were started."""
    for name, container in containers.items():
        assert container["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name


def test_the_grader_uses_the_same_images(containers: dict[str, Any]) -> None:
    """A verdict and a demo come from one version."""
    assert containers["rabbitmq"]["image"] == rabbitmq.IMAGE
    assert containers["redis"]["image"] == redis.IMAGE


@pytest.fixture
def up(containers: dict[str, Any]) -> Iterator[None]:
    """The servers, when each of them is healthy; afterwards there is no container."""
    images = [containers[name]["image"] for name in STOOD_IN]
    if not docker("compose", "version") or not engine_answers() or not all(map(has_image, images)):
        pytest.skip("no `docker compose`, or no Docker engine that has its images")
    compose = ["docker", "compose", "--file", str(FILE)]
    try:
        command = [*compose, "up", "--wait", "--pull", "never", *STOOD_IN]
        started = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        assert started.returncode == 0, started.stderr
        yield
    finally:
        subprocess.run([*compose, "down"], capture_output=True, check=True)
    assert docker("ps", "--all", "--quiet", "--filter", "name=stream-course") == ""


@pytest.mark.docker
@pytest.mark.usefixtures("up")
def test_the_servers_answer_where_the_lessons_look() -> None:
    """With the lessons' ports and logins, as soon as `docker compose up --wait` has returned."""
    assert redis_client.Redis(port=6379).ping()
    with pika.BlockingConnection(pika.ConnectionParameters("localhost")) as connection:
        connection.channel().queue_declare("trips", durable=True)
    sqs = boto3.client(
        "sqs",
        endpoint_url="http://localhost:4566",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    assert sqs.create_queue(QueueName="trips")["QueueUrl"]
