"""What the machine has left: idle time of its cores, and memory.

Source: proc(5), /proc/stat (the times of each core, in ticks) and /proc/meminfo.
"""

from __future__ import annotations

import os
from pathlib import Path

_IDLE = slice(3, 5)
"""Idle, and idle while input or output is under way; among a core's times."""
_COUNTED = slice(0, 8)
"""Without guest time, which user time holds already."""


class IdleCores:
    """The share of time for which this process's cores were idle, from one call to the next."""

    def __init__(self, stat: Path = Path("/proc/stat")) -> None:
        self._stat = stat
        self._before = self._read()

    def share(self) -> float:
        """Return the share since the last call, from 0.0 to 1.0; 0.0 where it is not known."""
        before, self._before = self._before, self._read()
        total, idle = (now - then for now, then in zip(self._before, before, strict=True))
        return idle / total if total > 0 else 0.0

    def _read(self) -> tuple[int, int]:
        """Return all ticks of the cores, and those for which they were idle."""
        if not hasattr(os, "sched_getaffinity"):
            return 0, 0
        names = {f"cpu{number}" for number in os.sched_getaffinity(0)}
        total = idle = 0
        try:
            for line in self._stat.read_text(encoding="ascii").splitlines():
                name, *times = line.split()
                if name in names:
                    total += sum(map(int, times[_COUNTED]))
                    idle += sum(map(int, times[_IDLE]))
        except (OSError, ValueError):
            return 0, 0
        return total, idle


def free_megabytes(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Return the memory that new processes can have; None where it is not known."""
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
        fields = dict(line.split(":") for line in lines)
        return int(fields["MemAvailable"].split()[0]) >> 10
    except (OSError, KeyError, ValueError):
        return None
