"""Redis: the one of REDIS_URL, a private server, or fakeredis."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import ClassVar

from grader.compare.servers.child import start_child
from grader.compare.servers.server import Server
from grader.host.interrupts import held
from grader.host.ports import free_ports
from grader.services.redis.choice import installed
from grader.services.redis.private import PrivateServer, sweep_servers


class RedisServer(Server):
    """Real wherever it can be: what fakeredis costs says nothing of Redis."""

    variable: ClassVar[str] = "REDIS_URL"

    @classmethod
    def named(cls, *, real: bool) -> str:  # noqa: ARG003 - as the class says
        """Return REDIS_URL."""
        return os.environ.get(cls.variable, "")

    @classmethod
    def can_be_real(cls) -> bool:
        """Tell whether REDIS_URL is set, or a server is installed."""
        return super().can_be_real() or installed() is not None

    def start(self) -> None:
        """Start a private server, or fakeredis where none is installed."""
        program = installed()
        if program is None:
            child = start_child(self.stack, self.service)
            self.url = f"redis://127.0.0.1:{child.port}"
            self.behind = f"simulated: fakeredis {version('fakeredis')}"
            return
        sweep_servers()
        (port,) = free_ports(0)
        server = PrivateServer(program, port=port)
        with held():
            server.start()
            self.stack.callback(server.stop)
        server.connect().close()  # waits until it serves
        self.url = f"redis://127.0.0.1:{port}"
        self.behind = f"real: {self.describe()}, private server"

    def describe(self) -> str:
        """Ask for its version."""
        import redis  # noqa: PLC0415 - not before it is needed

        with redis.Redis.from_url(self.url, socket_connect_timeout=3, socket_timeout=5) as client:
            return f"Redis {client.info('server')['redis_version']}"
