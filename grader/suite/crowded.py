"""Tells whether the machine had time for a submission: what waits for a processor is no mistake."""

from __future__ import annotations

import os
import time

from grader.host.usage import cpu_seconds_below, seconds_in_queue

_CROWDED = 8
"""Processes that can run, for each processor. A class that is graded makes two to four of them."""
_QUEUED = 1 / 5
"""Share of the time for which the test itself waited for a processor."""
_OWN = 1 / 4
"""Share of one processor. Who uses more than that may have made the crowd."""


class Crowd:
    """Counts from here on how long this thread waits for a processor; see sched-stats of Linux."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._queued = seconds_in_queue()
        self._used = cpu_seconds_below()

    @property
    def taken(self) -> float:
        """The seconds that the test waited for a processor, where that is the machine's doing."""
        return seconds_in_queue() - self._queued if self.excuse() else 0.0

    def excuse(self) -> str:
        """Return why the time that went by says nothing of the student, or empty."""
        elapsed = time.monotonic() - self._began
        queued = seconds_in_queue() - self._queued
        own = cpu_seconds_below() - self._used
        if queued <= elapsed * _QUEUED or own > elapsed * _OWN or not _is_crowded():
            return ""
        return (
            f"the machine was busy with other work: for {queued:.0f} of {elapsed:.0f} s the test "
            "itself waited for a processor; grade it again when there is less to do"
        )


def _is_crowded() -> bool:
    """Tell whether many processes have wanted to run in the last five minutes."""
    if not hasattr(os, "getloadavg"):
        return False
    return os.getloadavg()[1] > _CROWDED * (os.cpu_count() or 1)
