"""The servers of the demos, without Docker: start them in the background, stop them, look."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import subprocess
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grader.errors import ServiceError
from grader.host.child import start_module
from grader.host.identity import Identity
from grader.host.interrupts import held
from grader.host.ports import holder, is_free
from grader.host.state import folder_of_state, state_folder
from grader.services.catalog import WELL_KNOWN_PORTS
from grader.services.rabbitmq.choice import find_rabbitmq, written
from grader.services.rabbitmq.docker import sweep_containers
from grader.services.rabbitmq.private import sweep_nodes

NAMES = ("redis", "rabbitmq", "sqs")
_SCHEMES = {"redis": "redis", "rabbitmq": "amqp", "sqs": "http"}
_START_SECONDS = 250


@dataclass(frozen=True)
class Server:
    """A server of the demos as it is now."""

    name: str
    process: Identity | None
    note: str = ""
    management_port: int = 0
    """Of RabbitMQ: where its HTTP API answers."""

    @property
    def port(self) -> int:
        """The lessons' port."""
        return WELL_KNOWN_PORTS[self.name]

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"{_SCHEMES[self.name]}://localhost:{self.port}"


def status(name: str) -> Server:
    """The server of that name; its record is removed when its process was killed."""
    record = _record(name)
    try:
        data = json.loads(record.read_text(encoding="utf-8"))
        process = Identity(int(data["pid"]), int(data["started"]))
        note, management_port = str(data["note"]), int(data.get("management_port", 0))
    except (OSError, ValueError, KeyError, TypeError):
        return Server(name, None)
    if not process.alive:
        record.unlink(missing_ok=True)
        return Server(name, None)
    return Server(name, process, note, management_port)


@dataclass(frozen=True)
class Started:
    """What became of one wish to start a server."""

    server: Server
    was_running: bool = False
    problem: ServiceError | None = None


def start(names: Sequence[str]) -> Generator[Started]:
    """Start those that do not run, all at once, and tell of each when it answers or cannot.

    Who stops listening, as on Ctrl-C, has those killed that did not answer yet.
    """
    with _lock():
        sweep_nodes()
        starting: list[tuple[str, int, subprocess.Popen[bytes]]] = []
        try:
            for name in names:
                server = status(name)
                if server.process is not None:
                    yield Started(server, was_running=True)
                    continue
                try:
                    with held():
                        starting.append((name, *_spawn(name, server.port)))
                except ServiceError as error:
                    yield Started(server, problem=error)
            while starting:
                problem = None
                name, line, process = starting[0]
                try:
                    _wait(name, line, process)
                except ServiceError as error:
                    problem = error
                _disown(process)
                del starting[0]
                yield Started(status(name), problem=problem)
        finally:
            with held():
                for _, _, process in starting:
                    process.kill()
                    process.wait()


def _disown(process: subprocess.Popen[bytes]) -> None:
    """Let it outlive us: Popen warns when it is collected before its process has ended."""
    if process.poll() is None:
        process.returncode = 0


def stop(name: str) -> bool:
    """Stop the server; False when it did not run."""
    with _lock():
        server = status(name)
        if server.process is not None:
            server.process.terminate()
            if not server.process.wait(15):
                server.process.kill()
                server.process.wait(5)
            _record(name).unlink(missing_ok=True)
        if name == "rabbitmq":
            sweep_nodes()  # of a supervisor that was killed
        return server.process is not None


def _spawn(name: str, port: int) -> tuple[int, subprocess.Popen[bytes]]:
    """Start the process; a descriptor on which it will answer, and the process."""
    if not is_free(port):
        raise ServiceError(
            f"{name}: port {port} is taken by {holder(port)}", "Stop that, or use it as it is."
        )
    extra = _rabbitmq_choices() if name == "rabbitmq" else ""
    read_end, write_end = os.pipe()
    log = state_folder() / f"{name}.log"
    with log.open("wb") as errors:
        process = start_module(
            "grader.services.demo.daemon",
            *(name, str(port), extra, str(_record(name)), str(write_end)),
            pass_fds=(write_end,),
            stderr=errors,
        )
    os.close(write_end)
    return read_end, process


def _rabbitmq_choices() -> str:
    found = find_rabbitmq(own_broker=False)
    sweep_containers()
    return written(found.to_start)


def _wait(name: str, line: int, process: subprocess.Popen[bytes]) -> None:
    """Wait for the answer on `line`, and close it.

    Raises:
        ServiceError: the server does not run.
    """
    deadline = time.monotonic() + _START_SECONDS
    said = b""
    with os.fdopen(line, "rb", buffering=0) as answer:
        while select.select([answer], [], [], max(0, deadline - time.monotonic()))[0]:
            part = answer.read(4096)
            if not part:
                break
            said += part
    try:
        answered = json.loads(said)
    except ValueError:
        process.kill()
        log = state_folder() / f"{name}.log"
        raise ServiceError(f"{name} did not start", f"See {log}.") from None
    if "error" in answered:
        raise ServiceError(f"{name}: {answered['error']}", answered["help"])


def _record(name: str) -> Path:
    return folder_of_state() / f"{name}.json"


@contextmanager
def _lock() -> Iterator[None]:
    """One command at a time starts or stops servers."""
    with (state_folder() / "lock").open("w", encoding="utf-8") as file:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
