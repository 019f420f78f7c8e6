"""A container of RabbitMQ, with a stand-in for docker: how it is started, and removed."""

from __future__ import annotations

from pathlib import Path

import pytest
from rabbitmq_lab import docker

from grader.errors import ServiceError
from grader.services.docker_engine import sweep_containers
from grader.services.rabbitmq.broker import (
    start_broker,
)
from grader.services.rabbitmq.docker import IMAGE, DockerNode
from grader.services.rabbitmq.node import Login
from grader.suite.settle import settled


def test_the_container_is_on_loopback_and_its_password_in_no_process_list(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`docker run` publishes on 127.0.0.1, passes the login by environment, and is removed."""
    log = docker(path)
    monkeypatch.setattr(DockerNode, "answers", lambda self: True)
    login = Login.random()
    node = DockerNode(login)
    node.wait()
    assert (node.port, node.management_port) == (49153, 49154)
    assert "127.0.0.1::5672 " in " ".join(node.command)
    assert "127.0.0.1::15672 " in " ".join(node.command)
    assert node.command[-1] == IMAGE
    assert login.password not in " ".join(node.command)
    # `docker run` goes on beside us: what it was given is written when it gets that far.
    given = f"{login.username}:{login.password}"
    assert not settled(lambda: [] if given in log.read_text() else ["not yet"], within=60)
    node.stop()
    assert not node.alive
    assert "rm --force --volumes stream-rabbitmq-" in log.read_text()


def test_containers_of_a_killed_run_are_removed(path: Path) -> None:
    """A container whose label names a process that has ended is removed, by its name."""
    log = docker(path)
    sweep_containers()
    assert "rm --force --volumes left" in log.read_text()


def test_an_image_that_cannot_be_pulled_is_a_service_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease without an image is an error of the service, so that no submission is judged."""
    docker(path, image="exit 1", pull="exit 1")
    broker = start_broker()
    with pytest.raises(ServiceError, match="could not pull"):
        broker.lease()
