"""The line between a sandbox and its first process: requests out, answers and descriptors back."""

from __future__ import annotations

import select
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from typing import Any

from grader.worker import wire

START_SECONDS = 30
"""For a sandbox to start, which takes a tenth of a second where the machine is not busy."""
_BYTES = 1 << 16
"""The longest answer."""


class SandboxDied(Exception):  # noqa: N818 - the event, not an error of ours
    """The sandbox's own process is gone: the student's code ended it."""


class Control(ABC):
    """The way in which the first process inside gets its end of the control socket."""

    address: int | str
    """For the process inside: the descriptor that it inherits, or the path that it connects to."""
    descriptors: tuple[int, ...]
    """What it inherits."""

    @abstractmethod
    def connected(self, process: subprocess.Popen[bytes]) -> socket.socket:
        """Return our end, once `process` was started.

        Raises:
            TimeoutError: the process inside did not connect.
        """


class SocketPair(Control):
    """A socket pair, one end of which is inherited."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self.address = self._theirs.fileno()
        self.descriptors = (self._theirs.fileno(),)

    def connected(self, process: subprocess.Popen[bytes]) -> socket.socket:  # noqa: ARG002 - it has ours by then
        """Close the end that `process` has inherited, and return ours."""
        self._theirs.close()
        return self._ours


class ControlLine:
    """Our end of it."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self.silent = False
        """True once the first process has closed its end: it is about to end, or has."""

    def ask(
        self, request: dict[str, Any], fds: list[int], seconds: float
    ) -> tuple[dict[str, Any], list[int]]:
        """Send a request with descriptors, and return the answer and its descriptor, if any.

        Raises:
            SandboxDied: the first process is gone.
            TimeoutError: it did not answer within `seconds`.
        """
        try:
            socket.send_fds(self.socket, [wire.dump(request)], fds)
        except OSError:
            raise self._gone() from None
        return self.answer(1, seconds)

    def answer(self, max_fds: int, seconds: float) -> tuple[dict[str, Any], list[int]]:
        """Wait for the next answer; raises what `ask` does."""
        deadline = time.monotonic() + seconds
        while not select.select([self.socket], [], [], 0.5)[0]:
            if time.monotonic() > deadline:
                raise TimeoutError
        try:
            data, fds, _, _ = socket.recv_fds(self.socket, _BYTES, max_fds)
            return wire.load(data), fds
        except (OSError, wire.WireError):
            raise self._gone() from None

    def _gone(self) -> SandboxDied:
        self.silent = True
        return SandboxDied("the sandbox is gone")

    def close(self) -> None:
        """Close our end."""
        self.socket.close()
