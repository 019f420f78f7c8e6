"""Redis as a kind of service."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from grader.services.kind import Call, Details, ServiceFactory, ServiceKind


class RedisKind(ServiceKind):
    """The server that REDIS_URL names, a private one of the machine's, or fakeredis."""

    name: ClassVar[str] = "redis"
    title: ClassVar[str] = "Redis"
    port: ClassVar[int] = 6379
    scheme: ClassVar[str] = "redis"
    clients: ClassVar[tuple[str, ...]] = ("redis",)
    # Each client looks for redis-py's version among all that is installed; the first one keeps
    # what it found, and connects to nothing.
    first_call: ClassVar[Call | None] = Call("redis", "Redis", [], {})
    stand_in: ClassVar[str] = "fakeredis"
    packages: ClassVar[tuple[str, ...]] = ("redis-server",)

    @contextmanager
    def prepare(self) -> Iterator[ServiceFactory]:
        """Find out which server each submission gets one of."""
        from grader.services.redis.choice import find_redis  # noqa: PLC0415 - not for every command
        from grader.services.redis.service import RedisService  # noqa: PLC0415 - imports redis

        found = find_redis()
        for reason in found.passed_over:
            print(f"Redis: {reason}; {found.in_words} is used.", file=sys.stderr)  # noqa: T201 - of what a run uses
        self.sweep()
        found.make().warm()
        yield lambda: RedisService(found.make())

    def look(self) -> str:
        """Say which server a run would use, found by trying."""
        from grader.services.docker_engine import require_image  # noqa: PLC0415 - as above
        from grader.services.redis.choice import find_redis  # noqa: PLC0415 - as above

        found = find_redis(get_image=require_image)
        because = f", since {'; '.join(found.passed_over)}" if found.passed_over else ""
        return f"a run uses {found.in_words}{because}"

    @contextmanager
    def demo(self, port: int, order: str) -> Iterator[Details]:
        """Serve the first that starts over TCP: the data live in memory and end with it."""
        if order:
            from grader.services.redis.choice import at_port  # noqa: PLC0415 - as above

            private = at_port(order, port)
            private.start()
            try:
                version = private.version()
                threading.Thread(target=_end_with, args=(private.join,), daemon=True).start()
                yield {"note": f"{version}, in memory"}
            finally:
                private.stop()
            return
        from fakeredis import TcpFakeServer  # noqa: PLC0415 - each server imports its own

        server = TcpFakeServer(("127.0.0.1", port), server_type="redis")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"note": "fakeredis, in memory"}

    def demo_order(self) -> str:
        """Choose what to start; empty is fakeredis."""
        from grader.services.redis.choice import find_redis  # noqa: PLC0415 - as above

        return find_redis(own=False).order

    def sweep(self) -> None:
        """End and remove the servers of killed processes."""
        from grader.services.docker_engine import engine_answers, sweep_containers  # noqa: PLC0415 - as above
        from grader.services.redis.choice import installed  # noqa: PLC0415 - as above
        from grader.services.redis.private import sweep_servers  # noqa: PLC0415 - as above

        sweep_servers()
        if installed() is None and engine_answers():  # else none of ours was a container
            sweep_containers()


def _end_with(join: Callable[[], None]) -> None:
    """End this process when the server ends."""
    join()
    os.kill(os.getpid(), signal.SIGTERM)
