"""From the producer's clock to `handle`."""

from __future__ import annotations

import statistics

from grader.compare.measure.bench import Bench, Subject, begin
from grader.compare.processes.crew import PATIENCE, LossError, RunError
from grader.compare.processes.story import Story
from grader.compare.result import Latency

WARM_UP = 10
"""Events at the start of a run that are not counted: connecting is not latency."""


def latency(bench: Bench, subject: Subject, events: int, interval: float | None = None) -> Latency:
    """Measure it at a steady rate; `interval` is that of polling, where it is not the usual one.

    Raises:
        RunError: the consumer failed, or not every event arrived.
    """
    technique, place = subject.technique, bench.places.make(subject.technique)
    if interval is not None:
        place = place.model_copy(update={"interval": interval})
    count = events + WARM_UP
    with bench.crew.children(
        bench.crew.consumer(bench.job(subject, place)),
        bench.crew.producer(bench.plan(technique, place, count, rate=bench.rate)),
    ) as (sink, source):
        begin(sink, source)
        source.wait_for("done", 2 * count / bench.rate + PATIENCE)
        bench.crew.until(
            lambda: len(sink.of("begin")) >= count or sink.ended, 2 * place.interval + 5
        )
        story = Story.of(source, sink)
        failed = sink.failed
    bench.places.clear(place)
    samples = [1000 * (came - sent) for number, sent, came in story.begun if number > WARM_UP]
    if len(samples) < events:
        kind = LossError if samples and not failed else RunError
        raise kind(failed or f"{len(samples)} of {events} events arrived")
    cuts = statistics.quantiles(samples, n=100, method="inclusive")
    return Latency(
        events=len(samples),
        rate=bench.rate,
        p50=round(cuts[49], 3),
        p95=round(cuts[94], 3),
        p99=round(cuts[98], 3),
        samples=tuple(round(each, 3) for each in samples),
    )
