"""A producer in a process of its own, with the sinks of the course's event generator.

Says ["imported"]; after a line came in, ["sent", number, t] or ["lost", number, t] for each event,
and ["done", first, last] at the end. A second line ends it early; the end of its line, at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from grader.compare.place import Place
from grader.compare.processes.line import ProcessLine
from grader.compare.techniques.technique import Technique
from grader.plugins import load

if TYPE_CHECKING:
    from event_sinks.base import Sink

_TRIPS = 500
"""Different events; then they come again."""


class Plan(BaseModel):
    """The orders for a producer process."""

    technique: str
    """Where its class lies."""
    place: Place
    count: int
    """Events to send at most."""
    rate: float = 0.0
    """Events a second; 0 is full speed, without a word for each event."""
    seed: int = 0
    insist: bool = False
    """Send an event again until it was taken, as one does whose events must not be lost."""
    resources: str
    """The folder of the event generator."""


def work(plan: Plan, line: ProcessLine) -> None:
    """Wait to be told, then send, and tell of it."""
    sys.path.insert(0, plan.resources)
    from events import random_trips  # noqa: PLC0415 - found by the path above

    rng = random.Random(plan.seed)  # noqa: S311 - no secret
    trips = [trip.as_dict() for trip in random_trips(rng, min(plan.count, _TRIPS))]
    lines = _lines(trips, plan.count) if not plan.rate else []
    line.say("imported")
    line.hear()
    stop = threading.Event()
    threading.Thread(target=_listen, args=(line, stop), daemon=True).start()
    if plan.rate:
        _paced(plan, trips, line, stop)
    else:
        _flood(plan, lines, line)


def _lines(trips: list[dict[str, Any]], count: int) -> list[bytes]:
    encoded = [json.dumps(trip, separators=(",", ":")).encode() + b"\n" for trip in trips]
    return [encoded[number % len(encoded)] for number in range(count)]


def _flood(plan: Plan, lines: list[bytes], line: ProcessLine) -> None:
    technique: Technique = load(plan.technique)()
    sink = technique.sink(plan.place)
    size = technique.lines_at_once
    first = time.monotonic()
    for start in range(0, len(lines), size):
        sink.send(b"".join(lines[start : start + size]))
    line.say("done", first, time.monotonic())
    sink.close()


def _paced(
    plan: Plan, trips: list[dict[str, Any]], line: ProcessLine, stop: threading.Event
) -> None:
    from event_sinks.base import SinkError  # noqa: PLC0415 - found by the path that work sets

    # Moved about within its gap: a rate that is a multiple of a poll interval would tell nothing.
    rng = random.Random(plan.seed)  # noqa: S311 - no secret
    technique: Technique = load(plan.technique)()
    sink: Sink | None = None
    start = time.monotonic()
    first = start
    for number in range(1, plan.count + 1):
        due = start + (number - 1 + rng.random()) / plan.rate
        if sink is None:
            time.sleep(max(0.0, due - time.monotonic()))
        else:
            with contextlib.suppress(SinkError):
                sink.wait(max(0.0, due - time.monotonic()))
        if stop.is_set():
            break
        event = trips[number % len(trips)] | {"number": number}
        while True:
            sent = time.monotonic()
            try:
                sink = sink or technique.sink(plan.place)
                sent = time.monotonic()
                sink.send(json.dumps(event | {"sent": sent}).encode() + b"\n")
            except SinkError:
                if sink is not None:
                    sink.close()
                sink = None
                if plan.insist:  # also when told to stop: an event begun with is not given up
                    time.sleep(0.05)
                    continue
                line.say("lost", number, sent)
            else:
                line.say("sent", number, sent)
            break
    if sink is not None:
        sink.close()
    line.say("done", first, time.monotonic())


def _listen(line: ProcessLine, stop: threading.Event) -> None:
    if line.hear():
        stop.set()
        while line.hear():
            pass
    os._exit(0)
