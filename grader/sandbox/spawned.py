"""A process of the student's that has just begun, and how it introduces itself."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from dataclasses import dataclass

from grader.sandbox.line import SandboxDied

SO_PASSCRED = getattr(socket, "SO_PASSCRED", None)
"""Asks for the sender's credentials, which the kernel vouches for; None where there is no such."""


@dataclass
class Spawned:
    """A process of the student's, standing still before its first request."""

    channel: socket.socket
    pid: int
    """As seen from outside; 0 where the system does not tell."""
    pidfd: int | None
    write_listener: int | None = None
    """Descriptor of a seccomp listener, when the process stops at writes."""

    def close(self) -> None:
        """Give its descriptors back. May be called twice."""
        self.channel.close()
        for descriptor in (self.pidfd, self.write_listener):
            if descriptor is not None:
                os.close(descriptor)
        self.pidfd = self.write_listener = None


def greet(channel: socket.socket, told_pid: int, seconds: float) -> Spawned:
    """Wait for the new process's hello, which carries its credentials.

    Args:
        channel: where it comes.
        told_pid: its pid as the first process knows it, for a system without credentials.
        seconds: how long to wait.

    Raises:
        SandboxDied: it ended before.
    """
    channel.settimeout(seconds)
    size = socket.CMSG_SPACE(struct.calcsize("3i")) + socket.CMSG_SPACE(4)
    try:
        data, ancillary, _, _ = channel.recvmsg(4096, size)
    except (TimeoutError, ConnectionError):
        data, ancillary = b"", []
    channel.settimeout(None)
    pid, listener = 0, None
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            (listener,) = struct.unpack_from("i", payload)
        elif level == socket.SOL_SOCKET:
            pid = struct.unpack_from("3i", payload)[0]
    if not data.endswith(b"\n"):
        channel.close()
        raise SandboxDied("a new process ended before it could run anything")
    if SO_PASSCRED is None:
        pid = told_pid
    pidfd = None
    if pid and hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            pidfd = os.pidfd_open(pid)
    return Spawned(channel, pid, pidfd, listener)
