"""Two consumers of one stream: does each get all, or do they share?"""

from __future__ import annotations

import contextlib
from typing import Literal

from grader.compare.measure.bench import Bench, Subject, handled
from grader.compare.processes.crew import RunError
from grader.compare.result import Pair

EVENTS = 50


def pair(bench: Bench, subject: Subject) -> Pair:
    """Start two at a place, then the producer.

    Raises:
        RunError: neither could begin.
    """
    technique, place = subject.technique, bench.places.make(subject.technique)
    beside = place.model_copy(update={"offset_path": f"{place.offset_path}.other"})
    with bench.crew.children(
        bench.crew.consumer(bench.job(subject, place)),
        bench.crew.consumer(bench.job(subject, beside)),
        bench.crew.producer(bench.plan(technique, place, EVENTS)),
    ) as (one, other, source):
        for sink in (one, other):
            sink.tell()
            with contextlib.suppress(RunError):
                sink.wait_for("ready")
        if one.failed and other.failed:
            raise RunError(one.failed)
        source.tell()
        source.wait_for("done")
        bench.settle(technique, one, other)
        counts = (handled(one), handled(other))
        note = one.failed or other.failed
    bench.places.clear(place)
    kind = _kind(counts, alone=bool(note))
    return Pair(
        sent=EVENTS,
        handled=counts,
        kind=kind,
        evenness=round(min(counts) / max(counts), 2) if kind == "share" else None,
        note=note,
    )


def _kind(counts: tuple[int, int], *, alone: bool) -> Literal["all", "share", "one", "neither"]:
    if counts == (EVENTS, EVENTS):
        return "all"
    if sum(counts) == EVENTS:
        return "one" if alone else "share"
    return "neither"
