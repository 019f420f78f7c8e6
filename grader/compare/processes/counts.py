"""What a consumer spends: requests, CPU, and how often it is woken."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Count:
    """A counter of calls."""

    calls = 0

    def __call__(self) -> None:
        """Count one more."""
        self.calls += 1


requests = Count()
"""Writes to a socket, looks at a file, calls of SQS."""


def counted_sleep(seconds: float) -> None:
    """Sleep, as the pause before another look at the file."""
    requests()
    time.sleep(seconds)


def count_sends() -> None:
    """Count what is written to sockets from now on."""

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def send(*arguments: Any) -> Any:
            requests()
            return original(*arguments)

        return send

    for name in ("send", "sendall"):
        setattr(socket.socket, name, counted(getattr(socket.socket, name)))


def cpu_with_children() -> float:
    """Return the CPU seconds of this process, and of the children that it has waited for."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + spent.ru_utime + spent.ru_stime


def cpu_with_living() -> float:
    """Return the CPU seconds of this process and of children that still run (`tail`), on Linux."""
    nanoseconds = 0
    for children in Path("/proc/self/task").glob("*/children"):
        for pid in children.read_text(encoding="utf-8").split():
            nanoseconds += int(
                Path(f"/proc/{pid}/schedstat").read_text(encoding="utf-8").split()[0]
            )
    return time.process_time() + nanoseconds / 1e9


def wakeups() -> int:
    """Return how often this process began to wait for something."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
