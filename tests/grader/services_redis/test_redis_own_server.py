"""The user's own server of Redis, which REDIS_URL names."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import redis
from fakeredis import TcpFakeServer
from redis_lab import attach, connect, subscribe

from grader.errors import ServiceError
from grader.services.redis.choice import find_redis
from grader.services.redis.service import RedisService
from grader.services.redis.url import URL_VARIABLE, parse_url


@pytest.fixture
def own_server() -> Iterator[tuple[str, int]]:
    """A Redis that somebody else runs."""
    server = TcpFakeServer(("127.0.0.1", 0))
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield "127.0.0.1", int(server.server_address[1])
    server.shutdown()
    server.server_close()


def test_redis_url_is_used(own_server: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a student publishes arrives on the server that the URL names."""
    host, port = own_server
    monkeypatch.setenv(URL_VARIABLE, f"redis://{host}:{port}")
    service = RedisService(find_redis().make())
    assert service.shared
    attach(service)
    with redis.Redis(host=host, port=port) as mine, connect(service) as theirs:
        pubsub = subscribe(mine, "trips")
        assert theirs.publish("trips", b"x") == 1
        pubsub.close()
    service.check()
    service.close()


@pytest.mark.parametrize("url", ["rediss://localhost", "localhost:6379", "redis://", "redis://h:x"])
def test_an_unusable_url_is_said(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is named in the reason, and the next best server is used."""
    with pytest.raises(ServiceError, match=URL_VARIABLE):
        parse_url(url)
    monkeypatch.setenv(URL_VARIABLE, url)
    found = find_redis()
    assert not found.make().shared
    assert URL_VARIABLE in found.passed_over[0]


def test_a_server_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is named, since somebody has to look there."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv(URL_VARIABLE, f"redis://127.0.0.1:{port}")
    found = find_redis()
    assert not found.make().shared
    assert str(port) in found.passed_over[0]
