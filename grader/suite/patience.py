"""How long a suite waits for a step of the student's code."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Sequence

from grader.suite.callee import HasFileno

SLICE = 0.25
"""Seconds. A deadline is counted in slices, so that a machine that stood still costs one slice."""


class Patience:
    """The wait for one step, counted in slices, whatever comes meanwhile that is no step."""

    def __init__(self, waited: Callable[[float], float]) -> None:
        """Ask `waited` after each slice; see :meth:`Process._waited`."""
        self._waited = waited
        self._seconds = 0.0
        self._end = time.monotonic() + SLICE

    def select(self, watched: Sequence[int | HasFileno]) -> list[int | HasFileno]:
        """Return what can be read of these now, or within what is left of a slice."""
        if time.monotonic() >= self._end:
            self._seconds = self._waited(self._seconds)
            self._end = time.monotonic() + SLICE
        return select.select(watched, [], [], max(0.0, self._end - time.monotonic()))[0]
