"""The end of a student's processes, all at once: none sees another die and acts on it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Collection, Iterable

from grader.host.processes import ProcessInfo, end_process, without

_PATIENCE = 2
"""Seconds for ending strays: one that forks may be faster for a while."""


class Ending:
    """Signals to all processes of a sandbox.

    Args:
        processes: those inside that are the student's, now.
        from_inside: sends a signal to all of them in one system call, where some process can;
            raises SandboxDied when it is gone. None: they are signalled from here.
    """

    def __init__(
        self,
        processes: Callable[[], list[ProcessInfo]],
        from_inside: Callable[[signal.Signals], None] | None,
    ) -> None:
        self._processes = processes
        self._from_inside = from_inside

    def end(self, spared: Collection[int]) -> bool:
        """End all but the pids `spared` and what began below them; False when some live on.

        Raises:
            SandboxDied: the process that signals from inside is gone.
        """
        self._signal_all(signal.SIGSTOP if spared else signal.SIGKILL)
        deadline = time.monotonic() + _PATIENCE
        while left := self._living(spared):
            if time.monotonic() > deadline:
                return False
            for pid in left:
                end_process(pid)
        if spared:
            self._signal_all(signal.SIGCONT)
        return True

    def _signal_all(self, number: signal.Signals) -> None:
        if self._from_inside is not None:
            self._from_inside(number)
            return
        # From outside one comes after the other: they are stopped, from the top down, until
        # there are no new ones, before the first is ended.
        if number is signal.SIGCONT:
            _send(number, self._living(()))
            return
        stopped: set[int] = set()
        deadline = time.monotonic() + _PATIENCE
        while new := [pid for pid in self._living(()) if pid not in stopped]:
            _send(signal.SIGSTOP, new)
            stopped.update(new)
            if time.monotonic() > deadline:
                break
        if number is signal.SIGKILL:
            _send(number, stopped)

    def _living(self, spared: Collection[int]) -> list[int]:
        return [each.pid for each in without(self._processes(), spared) if not each.zombie]


def _send(number: signal.Signals, pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
