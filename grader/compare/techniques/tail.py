"""Following a file through a pipe from `tail`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from grader.compare.place import Place
from grader.compare.processes.counts import Count
from grader.compare.techniques.in_a_file import fill_file
from grader.compare.techniques.technique import Call, Handle, Opinions, Ready, Technique

if TYPE_CHECKING:
    from event_sinks.base import Sink


class Tail(Technique):
    """The first half of exercise 02."""

    id: ClassVar[str] = "tail"
    title: ClassVar[str] = "tail"
    exercise: ClassVar[str] = "02"
    file: ClassVar[str] = "tail_pipe.py"
    function: ClassVar[str] = "tail_consumer"
    keeps: ClassVar[bool] = True
    burst: ClassVar[int] = 80_000
    replay: ClassVar[str] = "the file is still there"
    opinions: ClassVar[Opinions] = Opinions(
        latency="very low",
        keeps="no",
        reliability="fragile",
        consumers="by hand",
    )

    @staticmethod
    def bare(path: str, handle: Handle, *, max_events: int) -> None:
        """Read `tail -F` from the first line on."""
        command = ["tail", "-n", "+1", "-F", "--", path]
        with subprocess.Popen(  # noqa: S603 - our own command
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as child:
            assert child.stdout is not None
            for number, line in enumerate(child.stdout, start=1):
                handle(json.loads(line))
                if number == max_events:
                    child.kill()
                    return

    def bind(self, function: Callable[..., object], place: Place, requests: Count) -> Call:  # noqa: ARG002 - it asks nobody
        """Pass the path."""

        def call(handle: Handle, ready: Ready, most: int) -> None:
            ready()
            function(place.path, handle, max_events=most)

        return call

    def sink(self, place: Place) -> Sink:
        """Append to the file."""
        from event_sinks.local import FileSink  # noqa: PLC0415 - importable in a producer alone

        return FileSink(Path(place.path))

    def fill(self, place: Place, bodies: list[bytes]) -> Iterator[None]:
        """Put the events into the file."""
        return fill_file(place, bodies)
