"""Which TCP ports are free, and who holds one. Source: proc_net_tcp(5)."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

_LISTEN = "0A"


def is_free(port: int) -> bool:
    """Whether a server could listen on the port, on loopback, over IPv4."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """Who listens on the port: a name and a pid, as far as this user may know."""
    sockets = _listening(port)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended, or is another user's
            for descriptor in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(descriptor.readlink()) in sockets:
                        name = (process / "comm").read_text().strip()
                        return f"{name} (pid {process.name})"
    return "another process"


def _listening(port: int) -> set[str]:
    """The sockets that listen on the port, as they show in /proc/PID/fd."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                local, state, inode = fields[1], fields[3], fields[9]
                if state == _LISTEN and int(local.rpartition(":")[2], 16) == port:
                    found.add(f"socket:[{inode}]")
    return found


def free_ports(*wanted: int) -> list[int]:
    """A free loopback port for each 0 of `wanted`; the others unchanged."""
    with contextlib.ExitStack() as stack:
        holders = [stack.enter_context(socket.socket()) for _ in wanted]
        for one in holders:  # all held until the last is found, so that they differ
            one.bind(("127.0.0.1", 0))
        free = [one.getsockname()[1] for one in holders]
        return [asked or found for asked, found in zip(wanted, free, strict=True)]
