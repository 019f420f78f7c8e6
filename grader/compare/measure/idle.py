"""What waiting costs while nothing comes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from grader.compare.measure.bench import Bench, Subject
from grader.compare.processes.crew import PATIENCE
from grader.compare.result import Idle


def idle(
    bench: Bench, subject: Subject, seconds: float, changes: Mapping[str, object] | None = None
) -> Idle:
    """Look on for so long, at a place that has been changed as the technique's `short_poll` says.

    Raises:
        RunError: the consumer did not wait.
    """
    technique, place = subject.technique, bench.places.make(subject.technique)
    place = place.model_copy(update=changes)
    told = bench.job(subject, place, mode="idle", seconds=seconds)
    with bench.crew.children(bench.crew.consumer(told)) as (sink,), ExitStack() as stack:
        sink.begin()
        sink.wait_for("ready")
        stack.enter_context(technique.company(place))
        requests, cpu, wakeups, took = sink.wait_for("idle", seconds + PATIENCE)
    bench.places.clear(place)
    minute = 60 / took
    return Idle(
        seconds=round(took, 1),
        cpu=round(cpu * minute, 5),
        requests=round(requests * minute, 1),
        wakeups=round(wakeups * minute, 1),
    )
