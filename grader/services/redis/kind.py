"""Redis as a kind of service."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from grader.services.kind import Details, ServiceFactory, ServiceKind


class RedisKind(ServiceKind):
    """fakeredis in the process that needs it, or for a run the server that REDIS_URL names."""

    name: ClassVar[str] = "redis"
    title: ClassVar[str] = "Redis"
    port: ClassVar[int] = 6379
    scheme: ClassVar[str] = "redis"
    clients: ClassVar[tuple[str, ...]] = ("redis",)
    stand_in: ClassVar[str] = "fakeredis"

    @contextmanager
    def prepare(self) -> Iterator[ServiceFactory]:
        """Import the service."""
        from grader.services.redis.service import RedisService  # noqa: PLC0415 - imports fakeredis

        yield RedisService

    def look(self) -> str:
        """Say whether REDIS_URL or fakeredis is used."""
        from grader.services.redis.service import URL_VARIABLE, RedisService  # noqa: PLC0415 - as above

        RedisService().close()  # raises where REDIS_URL names none that answers
        named = f"the server that {URL_VARIABLE} names"
        return f"a run uses {named if os.environ.get(URL_VARIABLE) else 'fakeredis'}"

    @contextmanager
    def demo(self, port: int, order: str) -> Iterator[Details]:  # noqa: ARG002 - the base class's
        """Serve fakeredis over TCP: the data live in this process and end with it."""
        from fakeredis import TcpFakeServer  # noqa: PLC0415 - each server imports its own

        server = TcpFakeServer(("127.0.0.1", port), server_type="redis")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"note": "fakeredis, in memory"}
