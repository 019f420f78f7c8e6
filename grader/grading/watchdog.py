"""Watch from outside whether a grading process goes on.

In it a thread that never lets the interpreter's lock go (a regular expression that backtracks, a
huge number) keeps every limit from being looked at.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from multiprocessing.process import BaseProcess

from grader.course import Limits
from grader.host.usage import usage_of

STUCK_CPU_SECONDS = 15.0
"""CPU time of a grading process in which its main thread did nothing."""
_SLACK = 2
"""How many times its memory a process may hold before it is ended from outside."""
_FORMAT = "d"


class Pulse:
    """A number that a forked process writes and the one that forked it reads."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, struct.calcsize(_FORMAT))

    def beat(self, cpu_seconds: float) -> None:
        """Tell how much CPU time this process has used by now."""
        struct.pack_into(_FORMAT, self._memory, 0, cpu_seconds)

    @property
    def last(self) -> float:
        """The CPU time that was told last."""
        return float(struct.unpack_from(_FORMAT, self._memory)[0])


class Watchdog:
    """Watches one grading process."""

    def __init__(self, process: BaseProcess, pulse: Pulse, limits: Limits, seconds: float) -> None:
        """`seconds` is what all of its work may take."""
        self._process = process
        self._pulse = pulse
        self._deadline = time.monotonic() + seconds
        self._seconds = seconds
        self._memory_limit = _SLACK * limits.judge_memory_mb
        own = usage_of(os.getpid())  # a forked process begins with what this one holds
        self._memory_at_first = own.memory_mb if own else 0.0
        self.problem = ""
        """Why the process was ended: what the program did; empty while it was not."""

    def look(self) -> None:
        """End the process if it is stuck; its connection then reports its end."""
        if self.problem or not self._process.is_alive():
            return
        if problem := self._find_problem():
            self.problem = problem
            self._process.kill()

    def _find_problem(self) -> str:
        if time.monotonic() > self._deadline:
            return f"the test was not over after {self._seconds:.0f} s"
        usage = usage_of(self._process.pid or 0)
        if usage is None:
            return ""
        if usage.memory_mb - self._memory_at_first > self._memory_limit:
            return f"the program made the test hold more than {self._memory_limit} MB"
        if usage.cpu_seconds - self._pulse.last > STUCK_CPU_SECONDS:
            return f"the program kept the test busy for {STUCK_CPU_SECONDS:.0f} s at a stretch"
        return ""
