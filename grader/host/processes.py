"""Processes as the host sees them."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Collection
from dataclasses import dataclass

from grader.errors import SandboxError

_PROC = "/proc"


@dataclass(frozen=True)
class ProcessInfo:
    """One process. `pid` is as seen from outside the sandbox."""

    pid: int
    name: str
    zombie: bool
    parent: int
    session: int
    """The pid of the process that began its session; see setsid(2)."""


def descendants(root: int) -> list[ProcessInfo]:
    """Return the processes below `root`. See proc(5).

    Raises:
        SandboxError: this system has no /proc.
    """
    if not os.access(f"{_PROC}/self/stat", os.R_OK):
        raise SandboxError("this system has no /proc, so processes cannot be counted")
    found: list[ProcessInfo] = []
    generation = _children(root)
    while generation:
        found += [info for pid in generation if (info := look_at(pid)) is not None]
        generation = [child for pid in generation for child in _children(pid)]
    return found


def end_process(pid: int) -> None:
    """Send SIGKILL and wait until it has worked, half a second at most. Linux only."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return  # it ended meanwhile
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        select.select([descriptor], [], [], 0.5)
    except (ProcessLookupError, PermissionError):
        pass
    finally:
        os.close(descriptor)


def runs(pid: int) -> bool:
    """Tell whether there is a process of that number."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # or no process can have such a number
        return False
    except PermissionError:
        return True
    return True


def is_asleep(pid: int) -> bool:
    """Tell whether every thread of a process waits for something that is no disk; see proc(5)."""
    try:
        with os.scandir(f"{_PROC}/{pid}/task") as entries:
            states = [_read(f"{task.path}/stat").rpartition(b")")[2].split()[0] for task in entries]
    except OSError:
        return False  # it ended meanwhile
    return bool(states) and set(states) == {b"S"}


def _children(pid: int) -> list[int]:
    """Whom `pid` is the parent of: the children that each of its threads started."""
    children: list[int] = []
    try:
        with os.scandir(f"{_PROC}/{pid}/task") as entries:
            for task in entries:
                children += map(int, _read(f"{task.path}/children").split())
    except OSError:
        return children  # it ended meanwhile
    return children


def _read(path: str) -> bytes:
    """Read a file of /proc: a test looks at many, and pathlib would take most of the time."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        data = b""
        while more := os.read(descriptor, 1 << 16):
            data += more
        return data
    finally:
        os.close(descriptor)


def look_at(pid: int) -> ProcessInfo | None:
    """Return what there is to say of a process, or None when it has ended."""
    try:
        stat = _read(f"{_PROC}/{pid}/stat").decode(errors="replace")
    except OSError:
        return None  # it ended meanwhile
    # The name stands in parentheses and may itself hold spaces and parentheses.
    before, _, after = stat.rpartition(")")
    state, parent, _, session = after.split()[:4]
    return ProcessInfo(pid, before.partition("(")[2], state == "Z", int(parent), int(session))


def without(everybody: Collection[ProcessInfo], spared: Collection[int]) -> list[ProcessInfo]:
    """Return those of `everybody` that are not of the pids `spared`, nor began below one.

    A process whose parent has ended is told by its session, which nobody can join from outside.
    """
    kept = set(spared)
    found = len(kept) - 1
    while found < len(kept):
        found = len(kept)
        kept |= {p.pid for p in everybody if p.parent in kept or p.session in spared}
    return [each for each in everybody if each.pid not in kept]
