"""How many events a run at full speed has: as many as its consumer handles in about a second."""

from __future__ import annotations

from typing import cast

import pytest

from grader.compare.measure import throughput
from grader.compare.measure.bench import Bench, Subject
from grader.compare.measure.throughput import Burst
from grader.compare.techniques.catalog import BY_ID


@pytest.mark.parametrize(
    ("speed", "least", "most"),
    [(1_000_000, 100_000, 100_000), (2_000, 1_500, 2_500), (100, 500, 500)],
    ids=["once a poll", "after each event", "very slow"],
)
def test_a_burst_fits_its_consumer(
    monkeypatch: pytest.MonkeyPatch, speed: int, least: int, most: int
) -> None:
    """A right consumer may store after each event: it is measured with fewer of them."""
    tried: list[int] = []

    def burst(_bench: Bench, _subject: Subject, count: int) -> Burst:
        tried.append(count)
        return Burst(per_second=speed, cpu_per_1000=0.001, events=count)

    monkeypatch.setattr(throughput, "burst", burst)
    count = throughput.affordable(cast("Bench", None), Subject(BY_ID["polling"], "polling.py"))
    assert least <= count <= most
    assert sum(tried) / speed < 6, "the trials are short themselves"


def test_what_is_slow_anyway_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A technique with few events needs no trial."""

    def burst(*_: object) -> Burst:
        raise AssertionError("no trial is due")

    monkeypatch.setattr(throughput, "burst", burst)
    assert throughput.affordable(cast("Bench", None), Subject(BY_ID["sqs"], "sqs.py")) == 60
