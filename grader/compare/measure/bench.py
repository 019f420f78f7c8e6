"""What every measurement needs: places, and processes that meet there."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from grader.compare.place import Place
from grader.compare.places import Places
from grader.compare.processes.consumer import Job
from grader.compare.processes.crew import Child, Crew, RunError
from grader.compare.processes.producer import Plan
from grader.compare.techniques.technique import Technique
from grader.plugins import place_of

COUNTED_RATE = 25.0
"""Events a second of the runs that count events: fourteen of them share the machine."""

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True)
class Subject:
    """A technique with one consumer: a file's function, or the bare client's loop."""

    technique: Technique
    file: str
    """Empty for the bare client."""


class Bench:
    """Gives out places and processes, and the words to tell them."""

    def __init__(
        self,
        crew: Crew,
        places: Places,
        *,
        resources: Path,
        rate: float,
        seed: int,
    ) -> None:
        self.crew = crew
        self.places = places
        self.rate = rate
        self.seed = seed
        self._resources = resources

    def job(self, subject: Subject, place: Place, **more: Any) -> Job:
        """Return what a consumer of `subject` is told."""
        technique = place_of(type(subject.technique))
        return Job(technique=technique, file=subject.file, place=place, **more)

    def plan(self, technique: Technique, place: Place, count: int, **more: Any) -> Plan:
        """Return what a producer is told; without more, to send at the rate of counted runs."""
        return Plan(
            technique=place_of(type(technique)),
            place=place,
            count=count,
            seed=self.seed,
            resources=str(self._resources),
            **{"rate": COUNTED_RATE, **more},
        )

    def together(
        self,
        things: list[K],
        measure: Callable[[K], T],
        done: Callable[[K], None],
    ) -> dict[K, T | RunError]:
        """Make several runs at a time, of measurements that do not mind each other."""

        def one(thing: K) -> T | RunError:
            try:
                return measure(thing)
            except RunError as error:
                return error
            finally:
                done(thing)

        with ThreadPoolExecutor(max(1, len(things))) as pool:
            try:
                found = list(pool.map(one, things))
            except BaseException:
                self.crew.stop()  # or leaving the pool would wait for runs that go on
                raise
        return dict(zip(things, found, strict=True))

    def settle(self, quiet: float, *sinks: Child) -> None:
        """Wait until nothing was handled for `quiet` seconds: see `Technique.quiet`."""
        seen, since = -1, time.monotonic()
        while time.monotonic() - since < quiet:
            now = sum(map(handled, sinks))
            if now != seen:
                seen, since = now, time.monotonic()
            self.crew.pause(0.02)


def begin(sink: Child, source: Child) -> None:
    """Let a consumer begin, and a producer once it is ready.

    Raises:
        RunError: the consumer does not become ready.
    """
    sink.begin()
    sink.wait_for("ready")
    source.begin()


def handled(sink: Child) -> int:
    """Return how many times a consumer has handled an event to the end."""
    return len(sink.of("end"))
