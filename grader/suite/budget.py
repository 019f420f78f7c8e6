"""What the judge's own process may use for one submission.

A submission can make its judge work: values to decode, requests to keep, commands to serve. Each
has a limit where it comes in; this one holds for all of them together.
"""

from __future__ import annotations

from collections.abc import Callable

from grader.host.usage import own_usage


class Budget:
    """CPU time and memory of this process, counted from here on."""

    def __init__(
        self,
        cpu_seconds: float,
        memory_mb: float,
        pulse: Callable[[float], None] = lambda _: None,
    ) -> None:
        """`pulse` is told this process's CPU time whenever `over` is asked."""
        self._cpu_limit = cpu_seconds
        self._memory_limit = memory_mb
        self._pulse = pulse
        self._begin = own_usage()

    @property
    def cpu_seconds(self) -> float:
        """CPU time used since the beginning."""
        return own_usage().cpu_seconds - self._begin.cpu_seconds

    @property
    def memory_mb(self) -> float:
        """The most memory that was held at a time, beyond what was held before."""
        return own_usage().memory_mb - self._begin.memory_mb

    def over(self) -> str:
        """Return a sentence that says which limit was passed; empty when none was."""
        self._pulse(own_usage().cpu_seconds)
        if self.memory_mb > self._memory_limit:
            return (
                f"the program made the test hold more than {self._memory_limit:g} MB, "
                "far more than any exercise needs"
            )
        if self.cpu_seconds > self._cpu_limit:
            return (
                f"the program kept the test busy for more than {self._cpu_limit:g} s of CPU time, "
                "far more than any exercise needs"
            )
        return ""
