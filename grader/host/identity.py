"""Which process a pid means: pids are used again, so a start time goes with each.

Sources: proc_pid_stat(5), ps(1).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
"""Loaded once: nothing may be imported between fork and exec."""
_HAS_PROC = Path("/proc/self/stat").exists()


@dataclass(frozen=True)
class Identity:
    """A process that may have ended since."""

    pid: int
    started: int
    """When it started: clock ticks since boot on Linux, seconds since 1970 elsewhere."""

    @classmethod
    def of(cls, pid: int) -> Identity:
        """Return the identity of a running process.

        Raises:
            ProcessLookupError: there is none of that pid.
        """
        started = start_time(pid)
        if started is None:
            raise ProcessLookupError(pid)
        return cls(pid, started)

    @property
    def alive(self) -> bool:
        """Tell whether this very process still runs; a zombie does not."""
        return start_time(self.pid) == self.started

    def kill(self) -> None:
        """End it at once, unless it has ended."""
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end, unless it has ended."""
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended; False when it has not after `seconds`."""
        deadline = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > deadline:
                return False
            # Not a child of ours, so no wait(2); a pidfd would do, on Linux alone.
            time.sleep(0.02)
        return True


def start_time(pid: int) -> int | None:
    """Return when process `pid` started, or None when it does not run."""
    if _HAS_PROC:
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:
            return None
        # The name, in parentheses, may hold spaces and parentheses; the state follows it.
        fields = stat.rpartition(b")")[2].split()
        # The first thread may be a zombie while others still hold the process's files and ports.
        ended = fields[0] in (b"Z", b"X") and int(fields[17]) <= 1
        return None if ended else int(fields[19])
    said = subprocess.run(  # noqa: S603 - our own command
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],  # noqa: S607 - wherever ps is
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    ).stdout.strip()
    state, _, started = said.partition(" ")
    if not started or state.startswith("Z"):
        return None
    return int(time.mktime(time.strptime(started.strip(), "%a %b %d %H:%M:%S %Y")))


def die_with_parent() -> None:
    """For `preexec_fn`: on Linux, the kernel kills this process when its parent's thread ends."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Make this process the parent of its descendants' orphans, so that it can reap them."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans(seconds: float) -> None:
    """Wait until no child is left, at most `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            time.sleep(0.01)
