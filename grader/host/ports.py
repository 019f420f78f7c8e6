"""Which TCP ports are free, and who holds one. Sources: proc_net_tcp(5), ip(7)."""

from __future__ import annotations

import contextlib
import errno
import secrets
import socket
from pathlib import Path

from grader.errors import ServiceError

_LISTEN = "0A"
_LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_FOR_SERVERS = range(15_000, 32_768)
"""Below the port ranges for outgoing connections of Linux (32768-60999) and macOS (49152-65535)."""


def is_free(port: int) -> bool:
    """Tell whether nobody listens on the port of loopback: clients of `localhost` come to us."""
    return all(_can_bind(*where, port) for where in _LOOPBACK)


def _can_bind(family: socket.AddressFamily, address: str, port: int) -> bool:
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as error:
        return error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # no IPv6 here
    return True


def holder(port: int) -> str:
    """Return who listens on the port: a name and a pid, as far as this user may know."""
    sockets = _listening(port)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended, or is another user's
            for descriptor in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(descriptor.readlink()) in sockets:
                        name = (
                            (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
                        )
                        return f"{name} (pid {process.name})"
    return "another process"


def _listening(port: int) -> set[str]:
    """Return the sockets that listen on the port, as they show in /proc/PID/fd."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text(encoding="utf-8").splitlines()[1:]:
                fields = line.split()
                local, state, inode = fields[1], fields[3], fields[9]
                if state == _LISTEN and int(local.rpartition(":")[2], 16) == port:
                    found.add(f"socket:[{inode}]")
    return found


def free_ports(*wanted: int) -> list[int]:
    """Return a free loopback port for each 0 of `wanted`; the others unchanged.

    The ports lie below those that Linux and macOS give to outgoing connections. Of these, one
    could be taken while a server starts again, even by the client that waits for it: TCP lets
    a socket connect to itself.

    Raises:
        ServiceError: no port is free.
    """
    others = [port for port in _FOR_SERVERS if port not in wanted]
    candidates = iter(secrets.SystemRandom().sample(others, k=len(others)))
    found: list[int] = []
    for asked in wanted:
        port = asked or next(filter(is_free, candidates), None)
        if port is None:
            raise ServiceError(
                f"no port from {_FOR_SERVERS[0]} to {_FOR_SERVERS[-1]} is free",
                "End what listens on them: `ss --listening --tcp` lists it.",
            )
        found.append(port)
    return found
