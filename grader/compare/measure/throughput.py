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


@dataclass(frozen=True)
class Burst:
    """One run at full speed."""

    per_second: float
    cpu_per_1000: float


def burst(bench: Bench, subject: Subject) -> Burst:
    """One run: events that wait are taken out, or they are sent as fast as it goes.

    Raises:
        RunError: the consumer failed, or not every event arrived.
    """
    technique, place = subject.technique, bench.places.make(subject.technique)
    count = technique.burst
    told = bench.job(
        subject, place.model_copy(update={"max_polls": 1}), mode="burst", max_events=count
    )
    if technique.keeps:
        with answering(technique.title):
            _preload(bench, technique, place)
        with bench.crew.children(bench.crew.consumer(told)) as (sink,):
            sink.tell()
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
    return Burst(count / seconds, 1000 * cpu / count)


def throughput(runs: list[Burst], bare: list[Burst], events: int) -> Throughput:
    """The median of the rounds, and of the ratio to the bare client's round beside each."""
    ratios = [one.per_second / other.per_second for one, other in zip(runs, bare, strict=False)]
    return Throughput(
        events=events,
        per_second=round(statistics.median(each.per_second for each in runs), 1),
        cpu_per_1000=round(statistics.median(each.cpu_per_1000 for each in runs), 6),
        ratio=round(statistics.median(ratios), 3) if ratios else None,
    )


def _preload(bench: Bench, technique: Technique, place: Place) -> None:
    filling = technique.fill(place, [_body(n) for n in range(technique.burst)])
    # Some may still be on their way when all are sent.
    if not bench.crew.until(lambda: next(filling, _ALL) is _ALL, PATIENCE):
        raise RunError(f"{technique.burst} messages could not be put into the queue")


def _body(number: int) -> bytes:
    """An event, as long as the course's are."""
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
