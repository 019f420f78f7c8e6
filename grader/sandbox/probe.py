"""Proves a sandbox's walls before a submission runs behind them."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.course import Limits
from grader.errors import SandboxError, UnexplainedSandboxError
from grader.host.processes import runs
from grader.sandbox.base import Sandbox
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.line import SandboxDied
from grader.sandbox.setup import Setup
from grader.sandbox.user import UserSandbox
from grader.worker import wire

_LIMITS = Limits(seconds=10, memory_mb=512)
_WALLS = {
    "files": "files of the machine cannot be read",
    "environment": "environment variables are not passed on",
    "network": "no network, not even this machine's loopback",
    "processes": "other processes cannot be seen",
    "first process": "the sandbox's own process is closed to student code, and has limits too",
    "afterwards": "nothing runs on when the sandbox has ended",
    "writable": "nothing can be written but three small folders in memory",
    "privileges": "no root, no capabilities, no setuid programs",
    "memory": "a process has a limit for its memory",
}
_NEEDS = "what submissions need works: files, threads, child processes, servers on localhost"
_EXTRA = {
    "system calls": (
        "tracing, namespaces, mounts and the like are refused (seccomp)",
        "Install libseccomp: `sudo apt-get install libseccomp2`.",
    ),
    "control group": (
        "all processes together have a limit for memory and number",
        "Run as root, or with delegation: `systemd-run --user --scope -p Delegate=yes grader ...`.",
    ),
}

_WALLS_IN_A_CONTAINER = {
    "closed": "the suite, the results and other data of the judge's cannot be read",
    "environment": _WALLS["environment"],
    "judge": "the judge's process cannot be signalled or read",
    "privileges": _WALLS["privileges"],
    "memory": _WALLS["memory"],
}


@dataclass(frozen=True)
class Wall:
    """One wall, and whether it holds."""

    name: str
    promise: str
    """What it keeps, in a sentence without a full stop."""
    holds: bool
    found: str = ""
    """What got through."""
    remedy: str = ""
    essential: bool = True
    """Without it nothing is graded; without another one the tier is reduced."""
    keeps_out: bool = True
    """Else it is no wall but what must be possible behind them."""


def probe(kind: type[Sandbox] = BubblewrapSandbox) -> list[Wall]:
    """Try every wall from inside a sandbox of that kind.

    Raises:
        SandboxError: the sandbox does not start.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.create_server(("127.0.0.1", 0)) as server,
        kind(Setup(files={}, limits=_LIMITS)) as sandbox,
    ):
        canary = Path(folder) / "canary"
        canary.write_text("seen", encoding="utf-8")
        for path in (canary.parent, canary):
            path.chmod(0o755)
        port = server.getsockname()[1]
        seen = _ask(sandbox, "look", [str(canary), port, 2 * _LIMITS.memory_mb << 20])
        seen["control group"] = "" if sandbox.has_cgroup else "missing"
        inside = [each.pid for each in sandbox.processes()] + sorted(sandbox.own)
    seen["afterwards"] = ", ".join(f"process {pid}" for pid in inside if runs(pid))
    walls = [
        Wall(name, says, not seen.get(name), seen.get(name, "")) for name, says in _WALLS.items()
    ]
    for name, (says, remedy) in _EXTRA.items():
        found = seen.get(name, "")
        walls.append(Wall(name, says, not found, found, remedy, essential=False))
    return [*walls, _needs(seen)]


def probe_user(closed: Sequence[Path]) -> list[Wall]:
    """Try the walls of a UserSandbox; `closed` are paths that only the judge may open.

    Raises:
        SandboxError: the sandbox does not start.
    """
    with UserSandbox(Setup(files={}, limits=_LIMITS)) as sandbox:
        paths = [str(path) for path in closed]
        seen = _ask(sandbox, "look_around", [paths, os.getpid(), 2 * _LIMITS.memory_mb << 20])
    walls = [
        Wall(name, says, not seen.get(name), seen.get(name, ""))
        for name, says in _WALLS_IN_A_CONTAINER.items()
    ]
    says, remedy = _EXTRA["system calls"]
    found = seen.get("system calls", "")
    filtered = Wall("system calls", says, not found, found, remedy, essential=False)
    return [*walls, filtered, _needs(seen)]


def _needs(seen: dict[str, str]) -> Wall:
    missing = seen.get("needs", "")
    return Wall("needs", _NEEDS, not missing, missing, keeps_out=False)


def require(walls: list[Wall]) -> None:
    """Refuse to grade behind a wall that does not hold.

    Raises:
        SandboxError: one that nothing can stand in for does not.
    """
    for wall in walls:
        if not wall.keeps_out and not wall.holds:
            raise UnexplainedSandboxError(
                f"the sandbox denies what right submissions need: {wall.found}"
            )
        if wall.essential and not wall.holds:
            raise UnexplainedSandboxError(
                f"the sandbox has a hole: {wall.promise}, but this got through: {wall.found}"
            )


def _ask(sandbox: Sandbox, function: str, arguments: list[object]) -> dict[str, str]:
    try:
        spawned = sandbox.spawn()
    except SandboxDied as error:
        raise SandboxError(f"the sandbox ended while it was tried: {error}") from None
    with spawned.channel as channel:
        channel.settimeout(_LIMITS.seconds)
        request = {
            "function": f"worker.look.{function}",
            "args": wire.encode(arguments),
            "kwargs": {},
        }
        channel.sendall(wire.dump(request))
        lines = wire.LineReader(channel)
        try:
            while (line := lines.read()) is not None:
                answer = wire.load(line)
                if answer["type"] == "returned":
                    return {str(k): str(v) for k, v in answer["value"].items()}
                if answer["type"] != "loaded":
                    break
        except (TimeoutError, wire.WireError):
            line = b"no answer"
    raise UnexplainedSandboxError(f"the sandbox could not be tried: {line!r}")
