"""Finding out that a process waits for somebody else, without waiting for a time-out.

What is held back from a program shows what it does without that: the right one waits. How long a
program that goes on needs for it, the load decides; that all its threads sleep, the load does not.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from types import TracebackType
from typing import Self

from grader.errors import SandboxError
from grader.host.processes import descendants, is_asleep

_PAUSE = 0.005
_LOOKS = 5
"""So often in a row all threads must sleep: one that is woken needs a moment to run."""
_LONGEST = 5.0
"""Seconds, for a program that wakes now and then."""
_BLIND = 0.5
"""Seconds, on a machine where nobody can look."""


class Stillness:
    """Can be read from once every thread of a process, and of what it started, sleeps."""

    def __init__(self, pid: int) -> None:
        """Begin to look, in a thread, when the body of a `with` begins."""
        self._pid = pid
        self._over = threading.Event()
        self._read, self._write = socket.socketpair()
        self._thread = threading.Thread(target=self._look, name="stillness", daemon=True)

    def fileno(self) -> int:
        """Return a descriptor for select."""
        return self._read.fileno()

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, and free the descriptors."""
        self._over.set()
        self._thread.join()
        self._read.close()
        self._write.close()

    def _look(self) -> None:
        asleep = 0
        can_look = os.access("/proc/self/task", os.R_OK)
        deadline = time.monotonic() + (_LONGEST if can_look else _BLIND)
        while asleep < _LOOKS and time.monotonic() < deadline:
            if self._over.wait(_PAUSE):
                return
            asleep = asleep + 1 if self._all_sleep() else 0
        self._write.send(b"!")

    def _all_sleep(self) -> bool:
        try:
            everybody = [self._pid, *(each.pid for each in descendants(self._pid))]
        except SandboxError:
            return False
        return all(map(is_asleep, everybody))
