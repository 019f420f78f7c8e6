"""How many submissions are graded at a time."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from grader.host.idle import IdleCores, free_megabytes

_EXTRAS = 5
"""Grading processes beside each usual one, at most, where the cores would else be idle."""
LOOK_SECONDS = 0.5
"""Between two looks at how idle the cores were; each lets in one more."""
_IDLE = 0.25
"""The share of the cores' time from which on one more is let in."""
_FREE_MB = 1024
"""Memory below which no more is let in."""


@dataclass(frozen=True)
class Slot:
    """The core on which a grading process runs; None for wherever the system puts it."""

    core: int | None
    extra: bool = False
    """Whether it is there for as long only as cores are idle."""


class Slots:
    """The slots of a run: `jobs` of them, or as many as keep the cores busy.

    A suite waits for most of its time, for a promise that is one of time, or for a broker. Then
    the cores are idle, and one more is let in; what needs a core's time keeps others out.
    """

    def __init__(self, jobs: int | None) -> None:
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        usual = jobs or len(cores) or os.cpu_count() or 1
        # The suite and the student's process take turns. Two such pairs that move between two
        # cores now and then share one of them and leave the other idle; so where there are as
        # many cores as pairs, each pair keeps to one. It also has its own load and no other's.
        pinned = len(cores) == usual
        self._free = [Slot(core) for core in (cores if pinned else [None] * usual)]
        self._extras = 0 if jobs else _EXTRAS * usual
        self._idle = IdleCores()
        self._looked = time.monotonic()

    def take(self) -> Slot | None:
        """Return a slot, or None while there is none."""
        if self._free:
            return self._free.pop()
        if not self._extras or time.monotonic() < self._looked + LOOK_SECONDS:
            return None
        self._looked = time.monotonic()
        free = free_megabytes()
        if self._idle.share() < _IDLE or (free is not None and free < _FREE_MB):
            return None
        self._extras -= 1
        return Slot(None, extra=True)

    def give_back(self, slot: Slot) -> None:
        """Free the slot of a grading process that has ended."""
        if slot.extra:
            self._extras += 1
        else:
            self._free.append(slot)
