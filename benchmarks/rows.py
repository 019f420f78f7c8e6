"""A measured number beside what it should be."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the benchmark. `limit` is what `value` must stay under, or reach."""

    what: str
    value: float
    unit: str
    limit: float | None = None
    at_least: bool = False
    beside: str = ""
    """What to compare it with: a floor, or another tool's figure."""

    @property
    def met(self) -> bool:
        """Tell whether the limit holds."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        limit = "" if self.limit is None else f"  {sign} {self.limit:g}"
        mark = " " if self.met else "✗"
        beside = f"  ({self.beside})" if self.beside else ""
        return f"{mark} {self.what:<58} {self.value:>10,.3f} {self.unit:<9}{limit}{beside}"


def seconds(action: Callable[[], object]) -> float:
    """Return how long `action` takes, wall clock."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def median_seconds(action: Callable[[], object], runs: int = 5) -> float:
    """Return the median of `runs` runs, after one that is not counted."""
    action()
    return statistics.median(seconds(action) for _ in range(runs))
