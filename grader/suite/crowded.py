"""Whether the machine had time for a submission: what waits for a processor makes no mistake."""

from __future__ import annotations

import time

from grader.host.usage import cpu_seconds_below, seconds_in_queue

_CROWDED = 1 / 5
"""Of the time, for which the test itself stood in the queue: 1/50 where a quiet machine grades."""
_OWN = 1 / 4
"""Of one processor. Who uses more than that may have made the crowd."""


class Crowd:
    """Counts from here on how long this thread waits for a processor; see sched-stats of Linux."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._queued = seconds_in_queue()
        self._used = cpu_seconds_below()

    def excuse(self) -> str:
        """Return why the time that went by says nothing of the student, or empty."""
        elapsed = time.monotonic() - self._began
        queued = seconds_in_queue() - self._queued
        if queued <= elapsed * _CROWDED or cpu_seconds_below() - self._used > elapsed * _OWN:
            return ""
        return (
            f"the machine was busy with other work: for {queued:.0f} of {elapsed:.0f} s the test "
            "itself waited for a processor"
        )
