"""What waiting costs while nothing comes."""

from __future__ import annotations

from contextlib import ExitStack

from grader.compare.measure.bench import Bench, Subject
from grader.compare.processes.crew import PATIENCE
from grader.compare.result import Idle


def idle(bench: Bench, subject: Subject, seconds: float, wait_seconds: int = 5) -> Idle:
    """Look on for so long; `wait_seconds` is that of SQS's long poll.

    Raises:
        RunError: the consumer did not wait.
    """
    technique, place = subject.technique, bench.places.make(subject.technique)
    place = place.model_copy(update={"wait_seconds": wait_seconds})
    told = bench.job(subject, place, mode="idle", seconds=seconds)
    with bench.crew.children(bench.crew.consumer(told)) as (sink,), ExitStack() as stack:
        sink.tell()
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
