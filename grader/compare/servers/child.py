"""A server that runs in a child process of ours: see :mod:`grader.compare.servers.simulated`."""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass

from grader.errors import ServiceError
from grader.host.child import start_module
from grader.host.interrupts import held

_STOP_SECONDS = 5


@dataclass(frozen=True)
class ServerChild:
    """A server in a child process."""

    port: int
    note: str
    """What it says of itself, or empty."""


def start_child(stack: ExitStack, service: str, folder: str = "") -> ServerChild:
    """Start the server of a service; the end of `stack` is its own.

    Args:
        stack: ends it.
        service: the kind's name in course.toml.
        folder: from which the kind is imported, where it is another course's own.

    Raises:
        ServiceError: it did not start.
    """
    with held():
        process = start_module(
            "grader.compare.servers.simulated",
            *(service, folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        stack.callback(_end, process)
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
    except ValueError:
        told = {"error": "its process ended", "help": "Try again."}
    if "error" in told:
        raise ServiceError(f"the server of {service} did not start: {told['error']}", told["help"])
    return ServerChild(told["port"], told["note"])


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
