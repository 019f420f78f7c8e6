"""CPU time and memory of a process, as the system counts them; see getrusage(2) and proc(5)."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from grader.errors import SandboxError
from grader.host.processes import descendants

_MIB = 1 << 20


@dataclass(frozen=True)
class Usage:
    """The CPU time and memory that a process has used so far."""

    cpu_seconds: float
    memory_mb: float
    """What it holds in memory now."""


def own_usage() -> Usage:
    """Return this process's CPU time and the most memory that it ever held.

    Memory reads 0 where the system does not tell it.
    """
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return Usage(time.process_time(), 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024
    return Usage(time.process_time(), peak * unit / _MIB)


def usage_of(pid: int) -> Usage | None:
    """Return what the process of that id uses, or None where it has ended or /proc is missing."""
    try:
        own, _ = _cpu_seconds(pid)
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return Usage(own, pages * os.sysconf("SC_PAGE_SIZE") / _MIB)


def seconds_in_queue() -> float:
    """Return for how long this thread could have run and another did; 0 where nobody tells.

    Source: the kernel's documentation, scheduler/sched-stats.
    """
    try:
        queued = Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0.0
    return int(queued) / 1e9


def cpu_seconds_below() -> float:
    """Return the CPU time of all that this process started; of the ended alone without /proc."""
    ended = os.times()
    used = ended.children_user + ended.children_system
    try:
        living = descendants(os.getpid())
    except SandboxError:
        return used
    for each in living:
        with contextlib.suppress(OSError, IndexError):  # it ended meanwhile
            used += sum(_cpu_seconds(each.pid))
    return used


def _cpu_seconds(pid: int) -> tuple[float, float]:
    """Return the CPU time of a process, and that of its children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="latin-1").rpartition(")")[2].split()
    own, children = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    hertz = os.sysconf("SC_CLK_TCK")
    return own / hertz, children / hertz
