"""What the tests of a private Redis share: a server, its client, and what is left of it."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from grader.services.redis.choice import installed
from grader.services.redis.private import FOLDER_PREFIX, PrivateServer, home
from grader.services.redis.service import RedisService

SECONDS = 5.0
needs_server = pytest.mark.skipif(
    installed() is None, reason="neither redis-server nor valkey-server is installed"
)
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def new_service() -> RedisService:
    """Start a private server for a submission."""
    program = installed()
    assert program is not None
    made = RedisService(PrivateServer(program))
    attach(made)
    return made


def connect(service: RedisService) -> redis.Redis:
    """Make a client of the submission's; it says at once when its connection is lost."""
    return redis.Redis(port=service.port, socket_timeout=SECONDS, retry=Retry(NoBackoff(), 0))


def server_of(service: RedisService) -> PrivateServer:
    """Its server."""
    server = service._server  # noqa: SLF001 - to look at its process
    assert isinstance(server, PrivateServer)
    return server


def folders() -> set[str]:
    """The folders of this process's servers that there are: others may come and go meanwhile."""
    return {path.name for path in Path(home()).glob(f"{FOLDER_PREFIX}{os.getpid()}-*")}


def executable(path: Path, text: str) -> Path:
    """A script."""
    path.write_text(text)
    path.chmod(0o755)
    for folder in (path.parent, *path.parent.parents[:3]):  # root's servers are another user
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o055)
    return path


def attach(service: RedisService) -> None:
    """Give it a listening socket, as a sandbox would."""
    listener = socket.create_server(("127.0.0.1", 0))
    service.attach(listener, listener.getsockname()[1])


def subscribe(client: redis.Redis, *channels: str) -> redis.client.PubSub:
    """A confirmed subscription."""
    pubsub: redis.client.PubSub = client.pubsub()  # type: ignore[no-untyped-call]
    pubsub.subscribe(*channels)
    confirmation = pubsub.get_message(timeout=SECONDS)
    assert confirmation is not None
    return pubsub
