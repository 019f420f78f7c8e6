"""What the tests of the event generator share: who can run one, its line of refusal, and a sink."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from event_sinks.base import Sink

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")


def one_line(done: Any) -> str:
    """The one line on stderr of a run that failed before it began."""
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1, done.stderr
    return str(done.stderr.rstrip("\n"))


class Clocked(Sink):
    """A sink that takes time to send, on a clock of its own."""

    done = "Took"
    target = "nowhere"

    def __init__(self, cost: Callable[[int], float]) -> None:
        self.now = 1_000.0
        self.sent_at: list[float] = []
        self._cost = cost

    def send(self, lines: bytes) -> None:
        self.sent_at.append(self.now - 1_000)
        self.now += self._cost(len(self.sent_at))

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def close(self) -> None:
        pass
