"""A mock cluster of one submission's, as the grading process has it: started, told, ended."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from grader.errors import ServiceError
from grader.host.child import start_module
from grader.host.interrupts import held

if TYPE_CHECKING:  # it is started by its name, and verdicts depend on it
    import grader.services.kafka.process  # noqa: F401

SECONDS = 10.0
"""For the cluster to take a connection."""
_ORDER_SECONDS = 25.0
"""For it to do what it is told; it gives up by itself after 10 s."""
_MOST = 256 << 20
"""Bytes of an answer: all messages of a topic, and a submission may have produced them."""
_START_SECONDS = 30
USERS = 1_990_000_000
"""Where root's clusters have their uids, by the grader's pid; apart from those of other servers."""


class PrivateCluster:
    """A process that nobody else is told of; it keeps nothing, and ends with this process."""

    def __init__(self, library: Path, *, bounded: bool = True) -> None:
        """Make it ready to be started.

        Args:
            library: what `find_library` returned.
            bounded: whether a submission's code is to reach it.
        """
        self._library = library
        self._bounded = bounded
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._lock = threading.Lock()
        self.version = ""
        """Of librdkafka; known when it serves."""
        self.overfull = False
        """Whether a topic held more than is read of it."""
        self.unreadable = False
        """Whether a topic held what no client can unpack."""

    def start(self) -> None:
        """Begin to start it.

        Raises:
            ServiceError: it cannot be started.
        """
        self.stop()
        user = USERS + os.getpid() if hasattr(os, "geteuid") and os.geteuid() == 0 else -1
        bounded = "bounded" if self._bounded else "free"
        try:
            with held():
                self._process = start_module(
                    "grader.services.kafka.process",
                    *(str(self._library), str(user), bounded),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
        except OSError as error:
            raise ServiceError(f"Kafka cannot be started: {error}") from None

    @property
    def port(self) -> int:
        """Return the port where it serves, on 127.0.0.1; wait until it does.

        Raises:
            ServiceError: it did not start.
        """
        with self._lock:
            if not self._port:
                said = self._answer(_START_SECONDS)
                self._port, self.version = int(said["port"]), str(said["version"])
            return self._port

    def connect(self) -> socket.socket:
        """Return a connection to it; waits until it serves."""
        server = socket.create_connection(("127.0.0.1", self.port), SECONDS)
        server.settimeout(None)
        return server

    def tell(self, order: str, *arguments: Any) -> Any:
        """Give it an order of `grader.services.kafka.orders` and wait until it is done.

        Raises:
            ServiceError: it does not answer, or refuses.
        """
        _ = self.port
        with self._lock:
            process = self._process
            if process is None or process.stdin is None:
                raise ServiceError("Kafka does not run")
            try:
                process.stdin.write(json.dumps([order, *arguments]).encode() + b"\n")
                process.stdin.flush()
            except OSError:
                raise ServiceError("Kafka ended") from None
            return self._answer(_ORDER_SECONDS).get("done")

    def _answer(self, seconds: float) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdout is None:
            raise ServiceError("Kafka does not run")
        deadline = time.monotonic() + seconds
        said = bytearray()
        while not said.endswith(b"\n"):
            if not _readable(process.stdout, max(0.0, deadline - time.monotonic())):
                raise ServiceError(
                    f"Kafka did not answer within {seconds:.0f} s",
                    "Try again when the machine is less busy.",
                )
            part = os.read(process.stdout.fileno(), 1 << 16)
            if not part:
                raise ServiceError("Kafka ended")
            said += part
            if len(said) > _MOST:
                self.overfull = True
                raise ServiceError(f"Kafka answered with more than {_MOST >> 20} MB")
        answered: dict[str, Any] = json.loads(said)
        if "error" in answered:
            self.overfull |= bool(answered.get("excess"))
            self.unreadable |= bool(answered.get("unreadable"))
            raise ServiceError(f"Kafka: {answered['error']}")
        return answered

    def ended(self, within: float) -> bool:
        """Tell whether its process has ended, or does within that many seconds."""
        if self._process is None:
            return True
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def worn_out(self) -> bool:
        """Tell whether it was ended since it had computed for longer than it may."""
        xcpu = getattr(signal, "SIGXCPU", 0)
        return bool(xcpu) and self._process is not None and self._process.poll() == -xcpu

    @property
    def pid(self) -> int:
        """Its process; 0 where it does not run."""
        return self._process.pid if self._process is not None else 0

    def join(self) -> None:
        """Wait until its process ends."""
        if self._process is not None:
            self._process.wait()

    def stop(self) -> None:
        """End it at once. May be called twice."""
        self._port = 0
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            self._process = None


def _readable(pipe: IO[bytes], seconds: float) -> bool:
    """Tell whether something can be read, or the other end has closed, within so many seconds."""
    with selectors.DefaultSelector() as selector:  # select(2) takes no descriptor above 1023
        selector.register(pipe, selectors.EVENT_READ)
        return bool(selector.select(seconds))
