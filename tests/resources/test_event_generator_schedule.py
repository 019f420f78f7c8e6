"""When the event generator sends: by a schedule from its start, whatever sending takes."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from generator_lab import Clocked

from event_sinks import run as event_run
from event_sinks.run import Plan, Run


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[float]]:
    """`clocked(cost, interval)`: when each of ten events was sent, from the start."""

    def send(cost: Callable[[int], float], interval: float) -> list[float]:
        sink = Clocked(cost)
        monkeypatch.setattr(event_run, "time", SimpleNamespace(monotonic=lambda: sink.now))
        Run("file", sink, Plan(interval=interval, count=10, seed=None, quiet=True)).go()
        return sink.sent_at

    return send


def test_the_schedule_does_not_drift(clocked) -> None:
    """Event k is sent k intervals after the first, although sending takes time."""
    assert clocked(lambda k: 0.25, 1.0) == pytest.approx(range(10))


def test_a_delay_is_made_up_for(clocked) -> None:
    """After one event that took 3.5 intervals, the schedule of the start holds again."""
    sent = clocked(lambda k: 3.5 if k == 2 else 0.0, 1.0)
    assert sent == pytest.approx([0, 1, 4.5, 4.5, 4.5, 5, 6, 7, 8, 9])
