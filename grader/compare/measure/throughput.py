"""Full speed: how many events a second, and what they cost."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass

from grader.compare.measure.bench import Bench, Subject, begin
from grader.compare.place import Place
from grader.compare.places import answering
from grader.compare.processes.crew import PATIENCE, RunError
from grader.compare.result import Throughput
from grader.compare.techniques.technique import Technique

_ALL = object()
"""The medium holds all events."""

_TRIAL = 500
"""Events of a first trial."""
_SECONDS = 1.0
"""How long a burst of a slow consumer is to take."""
_TICK = 1e-6


@dataclass(frozen=True)
class Burst:
    """One run at full speed."""

    per_second: float
    cpu_per_1000: float
    events: int

    @property
    def seconds(self) -> float:
        """Return how long the events took."""
        return self.events / self.per_second


def affordable(bench: Bench, subject: Subject) -> int:
    """Return how many events a burst of `subject` is to have: what it handles in about a second.

    The technique's own number is for a consumer that stores once a poll; a right one may store
    after each event and be a hundred times slower. Trials grow until one says how fast it is.

    Raises:
        RunError: the consumer failed, or not every event arrived.
    """
    most = subject.technique.burst
    count = min(_TRIAL, most)
    while count < most:
        trial = burst(bench, subject, count)
        if trial.seconds > _SECONDS / 4:
            return min(most, max(count, round(trial.per_second * _SECONDS)))
        count *= 4
    return most


def burst(bench: Bench, subject: Subject, count: int) -> Burst:
    """Run `count` events: those that wait are taken out, or they are sent at full speed.

    Raises:
        RunError: the consumer failed, or not every event arrived.
    """
    technique, place = subject.technique, bench.places.make(subject.technique)
    told = bench.job(
        subject, place.model_copy(update={"max_polls": 1}), mode="burst", max_events=count
    )
    if technique.keeps:
        with answering(technique.title):
            _preload(bench, technique, place, count)
        with bench.crew.children(bench.crew.consumer(told)) as (sink,):
            sink.begin()
            said = sink.wait_for("burst", 2 * PATIENCE)
    else:
        flood = bench.plan(technique, place, count, rate=0)
        with bench.crew.children(bench.crew.consumer(told), bench.crew.producer(flood)) as (
            sink,
            source,
        ):
            begin(sink, source)
            said = sink.wait_for("burst", 2 * PATIENCE)
    bench.places.clear(place)
    handled, start, first, last, cpu = said
    if handled < count:
        raise RunError(f"{handled} of {count} events arrived")
    # What is sent meanwhile begins with the first event; what waits, when it may be taken.
    seconds = last - (start if technique.keeps else first)
    return Burst(count / max(seconds, _TICK), 1000 * cpu / count, count)


def throughput(runs: list[Burst], bare: list[Burst]) -> Throughput:
    """Return the median of the rounds, and of the ratio to the bare client's round beside each."""
    ratios = [one.per_second / other.per_second for one, other in zip(runs, bare, strict=False)]
    return Throughput(
        events=runs[0].events,
        per_second=round(statistics.median(each.per_second for each in runs), 1),
        cpu_per_1000=round(statistics.median(each.cpu_per_1000 for each in runs), 6),
        ratio=round(statistics.median(ratios), 3) if ratios else None,
    )


def _preload(bench: Bench, technique: Technique, place: Place, count: int) -> None:
    filling = technique.fill(place, [_body(n) for n in range(count)])
    # Some may still be on their way when all are sent.
    if not bench.crew.until(lambda: next(filling, _ALL) is _ALL, PATIENCE):
        raise RunError(f"{count} messages could not be put into the queue")


def _body(number: int) -> bytes:
    """Return an event, as long as the course's are."""
    return json.dumps(
        {
            "event_id": 100_000 + number,
            "timestamp": "2026-11-25T08:00:00.000000",
            "pickup_zone": "Manhattan",
            "passengers": 1 + number % 6,
            "fare_estimate": 5 + number % 80,
        },
        separators=(",", ":"),
    ).encode()
