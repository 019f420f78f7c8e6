"""CPU time and memory of a process, as the system counts them; see getrusage(2) and proc(5)."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_MIB = 1 << 20


@dataclass(frozen=True)
class Usage:
    """What a process has used so far."""

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
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="latin-1").rpartition(")")[2].split()
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    ticks = int(fields[11]) + int(fields[12])
    page, hertz = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
    return Usage(ticks / hertz, pages * page / _MIB)
