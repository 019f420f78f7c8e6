"""The user's own broker, which RABBITMQ_URL names."""

from __future__ import annotations

from pathlib import Path

import pytest
from rabbitmq_lab import closed_port, docker, executable

from grader.errors import ServiceError
from grader.services.rabbitmq.broker import (
    UsersBroker,
    start_broker,
)
from grader.services.rabbitmq.choice import (
    Found,
    OwnBroker,
    ServerChoice,
    find_rabbitmq,
    parse_url,
)


def test_the_users_own_broker_comes_first(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RABBITMQ_URL wins over Docker and an installed server; escapes in it are undone."""
    log = docker(path)
    executable(path / "rabbitmq-server")
    asked = []
    monkeypatch.setattr(
        "grader.services.rabbitmq.choice.rabbitmq_problem", lambda *words: asked.append(words) or ""
    )
    monkeypatch.setenv("RABBITMQ_URL", "amqp://ann:s%2Fcret@broker:5673/my%2Fhost")
    assert find_rabbitmq() == Found(OwnBroker("broker", 5673, "ann", "s/cret", "my/host"))
    assert isinstance(start_broker(), UsersBroker)
    assert asked[0] == ("broker", 5673, "ann", "s/cret", "my/host")
    assert not log.exists()


@pytest.mark.parametrize("url", ["amqp://127.0.0.1:{port}/", "http://no-broker"])
def test_a_users_broker_that_cannot_be_used_makes_way(
    url: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody answers, or it is no URL: the next one is used, and why is said."""
    server = ServerChoice(executable(path / "rabbitmq-server"))
    monkeypatch.setenv("RABBITMQ_URL", url.format(port=closed_port()))
    found = find_rabbitmq()
    assert found.choice == server
    assert len(found.passed_over) == 1
    assert "RABBITMQ_URL" in found.passed_over[0]


@pytest.mark.parametrize(
    "url", ["localhost:5672", "amqps://a:secret@h/", "amqp://h:port/", "http://h"]
)
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    """One sentence that names the variable, and never shows a password."""
    with pytest.raises(ServiceError, match="RABBITMQ_URL") as caught:
        parse_url(url)
    assert "secret" not in str(caught.value)


def test_a_url_without_parts_has_the_defaults() -> None:
    """As amqp's URL specification and the server have them: guest, 5672, virtual host /."""
    assert parse_url("amqp://h") == OwnBroker("h", 5672, "guest", "guest", "/")


def test_nobody_at_the_users_url_is_a_service_error() -> None:
    """A broker that does not run costs nobody points."""
    broker = UsersBroker(OwnBroker("127.0.0.1", closed_port(), "guest", "guest", "/"))
    with pytest.raises(ServiceError, match="which RABBITMQ_URL names"):
        broker.lease()
