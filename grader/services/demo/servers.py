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
from grader.plugins import folder_of
from grader.services.catalog import service_kind
from grader.services.kind import ServiceKind

_START_SECONDS = 250


@dataclass(frozen=True)
class Server:
    """A server of the demos as it is now."""

    kind: ServiceKind
    process: Identity | None
    note: str = ""
    management_port: int = 0
    """Of RabbitMQ: where its HTTP API answers."""

    @property
    def name(self) -> str:
        """The kind's name."""
        return self.kind.name

    @property
    def url(self) -> str:
        """Return where clients find it: at the lessons' port."""
        return f"{self.kind.scheme}://localhost:{self.kind.port}"


def status(name: str) -> Server:
    """Look for the server of the kind `name`; its record is removed when its process was killed."""
    kind = service_kind(name)
    record = _record(kind)
    try:
        data = json.loads(record.read_text(encoding="utf-8"))
        process = Identity(int(data["pid"]), int(data["started"]))
        note, management_port = str(data["note"]), int(data.get("management_port", 0))
    except (OSError, ValueError, KeyError, TypeError):
        return Server(kind, None)
    if not process.alive:
        record.unlink(missing_ok=True)
        return Server(kind, None)
    return Server(kind, process, note, management_port)


@dataclass(frozen=True)
class Started:
    """The outcome of one wish to start a server."""

    server: Server
    was_running: bool = False
    problem: ServiceError | None = None


def start(names: Sequence[str]) -> Generator[Started]:
    """Start those that do not run, all at once, and tell of each when it answers or cannot.

    Who stops listening, as on Ctrl-C, has those killed that did not answer yet.
    """
    with _lock():
        for name in names:
            service_kind(name).sweep()
        starting: list[tuple[str, int, subprocess.Popen[bytes]]] = []
        try:
            for name in names:
                server = status(name)
                if server.process is not None:
                    yield Started(server, was_running=True)
                    continue
                try:
                    with held():
                        starting.append((name, *_spawn(name)))
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
            _record(server.kind).unlink(missing_ok=True)
        server.kind.sweep()
        return server.process is not None


def _spawn(name: str) -> tuple[int, subprocess.Popen[bytes]]:
    """Start the process; a descriptor on which it will answer, and the process."""
    kind = service_kind(name)
    if not is_free(kind.port):
        raise ServiceError(
            f"{kind.name}: port {kind.port} is taken by {holder(kind.port)}",
            "Stop that, or use it as it is.",
        )
    order = kind.demo_order()
    folder = folder_of(type(kind))
    read_end, write_end = os.pipe()
    with _log(kind).open("wb") as errors:
        process = start_module(
            "grader.services.demo.daemon",
            *(name, folder, str(kind.port), order, str(_record(kind)), str(write_end)),
            pass_fds=(write_end,),
            stderr=errors,
        )
    os.close(write_end)
    return read_end, process


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
        kind = service_kind(name)
        raise ServiceError(f"{kind.name} did not start", f"See {_log(kind)}.") from None
    if "error" in answered:
        raise ServiceError(f"{service_kind(name).name}: {answered['error']}", answered["help"])


def _record(kind: ServiceKind) -> Path:
    return folder_of_state() / f"{kind.name}.json"


def _log(kind: ServiceKind) -> Path:
    return state_folder() / f"{kind.name}.log"


@contextmanager
def _lock() -> Iterator[None]:
    """One command at a time starts or stops servers."""
    with (state_folder() / "lock").open("w", encoding="utf-8") as file:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
