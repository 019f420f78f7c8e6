"""Polling a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from grader.compare.place import Place
from grader.compare.processes.counts import Count, counted_sleep
from grader.compare.techniques.in_a_file import fill_file
from grader.compare.techniques.technique import Call, Handle, Opinions, Ready, Technique

if TYPE_CHECKING:
    from event_sinks.base import Sink


class Polling(Technique):
    """Exercise 01."""

    id: ClassVar[str] = "polling"
    title: ClassVar[str] = "polling"
    exercise: ClassVar[str] = "01"
    file: ClassVar[str] = "polling.py"
    function: ClassVar[str] = "poll"
    keeps: ClassVar[bool] = True
    burst: ClassVar[int] = 100_000
    intervals: ClassVar[tuple[float, ...]] = (0.5, 2.0)
    replay: ClassVar[str] = "the file is still there"
    opinions: ClassVar[Opinions] = Opinions(
        latency="high: the interval",
        keeps="yes: file, database",
        reliability="what you build",
        consumers="by hand",
    )

    @staticmethod
    def bare(
        path: str,
        handle: Handle,
        *,
        poll_interval: float,
        max_polls: int,
        sleep: Callable[[float], None],
        **_: Any,
    ) -> None:
        """Read on where the last poll ended; the offset lives in memory."""
        while not Path(path).exists():
            sleep(poll_interval)
        with Path(path).open("rb") as file:
            for number in range(max_polls):
                if number:
                    sleep(poll_interval)
                for line in file:
                    handle(json.loads(line))

    def bind(self, function: Callable[..., object], place: Place, requests: Count) -> Call:  # noqa: ARG002 - sleep counts
        """Count each pause as a request: it comes before a look at the file."""

        def call(handle: Handle, ready: Ready, _: int) -> None:
            ready()
            function(
                place.path,
                handle,
                poll_interval=place.interval,
                max_polls=place.max_polls,
                offset_path=place.offset_path,
                sleep=counted_sleep,
            )

        return call

    def sink(self, place: Place) -> Sink:
        """Append to the file."""
        from event_sinks.local import FileSink  # noqa: PLC0415 - importable in a producer alone

        return FileSink(Path(place.path))

    def second_consumer(self, place: Place) -> Place:
        """Return a place with an offset of its own."""
        return place.model_copy(update={"offset_path": f"{place.offset_path}.other"})

    def fill(self, place: Place, bodies: list[bytes]) -> Iterator[None]:
        """Put the events into the file."""
        return fill_file(place, bodies)
