"""Where runs take place: a folder, servers, and the processes that meet there."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from grader.compare import queues
from grader.compare.consumer import Job
from grader.compare.crew import Child, Crew, RunError
from grader.compare.place import Place
from grader.compare.producer import Plan
from grader.compare.techniques import Technique
from grader.services.ports import free_ports

COUNTED_RATE = 25.0
"""Events a second of the runs that count events: twelve of them share the machine."""

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True)
class Subject:
    """A technique with one consumer: a file's function, or the bare client's loop."""

    technique: Technique
    file: str
    """Empty for the bare client."""


class Bench:
    """What every measurement needs."""

    def __init__(
        self,
        crew: Crew,
        folder: Path,
        *,
        resources: Path,
        urls: dict[str, str],
        rate: float,
        seed: int,
        interval: float,
    ) -> None:
        self.crew = crew
        self.folder = folder
        self.rate = rate
        self.seed = seed
        self._resources = resources
        self._urls = urls
        self._interval = interval
        self._numbers = itertools.count()

    def place(self, technique: Technique) -> Place:
        """A fresh place, with its queue where the technique needs one that exists."""
        name = f"compare-{next(self._numbers)}-{secrets.token_hex(4)}"
        place = Place(
            path=str(self.folder / f"{name}.jsonl"),
            offset_path=str(self.folder / f"{name}.offset"),
            interval=self._interval,
            port=free_ports(0)[0] if technique.id == "socket" else 0,
            url=self._urls.get(technique.service or "", ""),
            name=name,
        )
        # A file that is missing when tail starts keeps it from using inotify for good.
        Path(place.path).touch()
        queues.declare(technique, place)
        return place

    def clear(self, technique: Technique, place: Place) -> None:
        """Remove what a run left: the disk is small, and a server may be somebody's own."""
        for path in (place.path, place.offset_path):
            Path(path).unlink(missing_ok=True)
        # A broker that is gone holds nothing, and the result is there already.
        with contextlib.suppress(Exception):
            queues.delete(technique, place)

    def job(self, subject: Subject, place: Place, **more: Any) -> Job:
        """What a consumer of `subject` is told."""
        return Job(technique=subject.technique.id, file=subject.file, place=place, **more)

    def plan(self, technique: Technique, place: Place, count: int, **more: Any) -> Plan:
        """What a producer is told; without more, to send at the rate of counted runs."""
        return Plan(
            technique=technique.id,
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
        """Several runs at a time, of measurements that do not mind each other."""

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

    def settle(self, technique: Technique, *sinks: Child) -> None:
        """Wait until it has been quiet for so long that nothing more will come."""
        grace = queues.VISIBILITY + 1.0 if technique.id == "sqs" else 1.0
        seen, since = -1, time.monotonic()
        while time.monotonic() - since < grace:
            now = sum(map(handled, sinks))
            if now != seen:
                seen, since = now, time.monotonic()
            self.crew.pause(0.02)


def begin(sink: Child, source: Child) -> None:
    """Let a consumer begin, and a producer once it is ready.

    Raises:
        RunError: the consumer does not become ready.
    """
    sink.tell()
    sink.wait_for("ready")
    source.tell()


def handled(sink: Child) -> int:
    """How many times it has handled an event to the end."""
    return len(sink.of("end"))
