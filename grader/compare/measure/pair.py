"""Two consumers of one stream: does each get all, or do they share? And what can be read again?"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Literal

from grader.compare.measure.bench import COUNTED_RATE, Bench, Subject, begin, handled
from grader.compare.place import Place
from grader.compare.processes.crew import Child, RunError
from grader.compare.result import Pair, Replay

EVENTS = 50
_PATIENCE = 4.0
"""Seconds without all events after which those that are missing will not come."""


def pair(bench: Bench, subject: Subject) -> Pair:
    """Start two consumers of one service, then the producer.

    Raises:
        RunError: neither could begin.
    """
    return _two(bench, subject, subject.technique.second_consumer)


def services(bench: Bench, subject: Subject) -> Pair:
    """Start a consumer of each of two services, then the producer.

    Raises:
        RunError: neither could begin.
    """
    return _two(bench, subject, subject.technique.second_service)


def replay(bench: Bench, subject: Subject) -> Replay:
    """Let a consumer handle all, and then another service begin with the first event.

    Raises:
        RunError: a consumer failed.
    """
    technique, place = subject.technique, bench.places.make(subject.technique)
    # poll has no max_events: it looks until all were sent, and a little longer.
    polls = round((EVENTS / COUNTED_RATE + 0.5) / place.interval)
    first = bench.job(subject, place.model_copy(update={"max_polls": polls}), max_events=EVENTS)
    late = bench.job(subject, technique.second_service(place))
    with bench.crew.children(
        bench.crew.consumer(first),
        bench.crew.consumer(late),
        bench.crew.producer(bench.plan(technique, place, EVENTS)),
    ) as (one, other, source):
        begin(one, source)
        source.wait_for("done")
        one.wait_for("returned")
        other.begin()
        other.wait_for("ready")
        done = _numbers(one)
        bench.crew.until(lambda: _numbers(other) >= done or other.ended, _PATIENCE)
        if other.failed:
            raise RunError(other.failed)
        again = len(done & _numbers(other))
    bench.places.clear(place)
    return Replay(handled=len(done), again=again)


def _numbers(sink: Child) -> set[int]:
    """Return the numbers of the events that were handled to the end."""
    return {number for number, _ in sink.of("end")}


def _two(bench: Bench, subject: Subject, other_place: Callable[[Place], Place]) -> Pair:
    technique, place = subject.technique, bench.places.make(subject.technique)
    beside = other_place(place)
    with bench.crew.children(
        bench.crew.consumer(bench.job(subject, place)),
        bench.crew.consumer(bench.job(subject, beside)),
        bench.crew.producer(bench.plan(technique, place, EVENTS)),
    ) as (one, other, source):
        for sink in (one, other):
            sink.begin()
            with contextlib.suppress(RunError):
                sink.wait_for("ready")
        if one.failed and other.failed:
            raise RunError(one.failed)
        source.begin()
        source.wait_for("done")
        bench.settle(technique.quiet(place), one, other)
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
