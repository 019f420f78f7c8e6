"""What happened to each event of a run, put together from what its processes said."""

from __future__ import annotations

from dataclasses import dataclass, field

from grader.compare.processes.crew import Child
from grader.compare.result import Moment


@dataclass
class Story:
    """Each event by its number; times are time.monotonic(), which the processes share."""

    sent: dict[int, float] = field(default_factory=dict)
    """When the producer sent, or tried to."""
    handled: list[tuple[int, float]] = field(default_factory=list)
    """Each time that an event was handled to the end, in order."""
    begun: list[tuple[int, float, float]] = field(default_factory=list)
    """Number, when it was sent, when it reached `handle`."""

    @classmethod
    def of(cls, source: Child, *sinks: Child) -> Story:
        """Return what these processes said."""
        story = cls()
        for number, moment in [*source.of("sent"), *source.of("lost")]:
            story.sent[number] = moment
        for sink in sinks:
            story.handled += [(number, moment) for number, moment in sink.of("end")]
            story.begun += [(n, sent, came) for n, sent, came in sink.of("begin")]
        story.handled.sort(key=lambda each: each[1])
        return story

    @property
    def start(self) -> float:
        """Return when the first event was sent."""
        return min(self.sent.values())

    @property
    def lost(self) -> int:
        """Return how many events were never handled."""
        return len(self.sent.keys() - {number for number, _ in self.handled})

    @property
    def twice(self) -> int:
        """Return how many events were handled more than once."""
        times: dict[int, int] = {}
        for number, _ in self.handled:
            times[number] = times.get(number, 0) + 1
        return sum(count > 1 for count in times.values())

    def moments(self) -> tuple[Moment, ...]:
        """Return the time line of its events, in seconds since the start."""
        handled: dict[int, list[float]] = {}
        for number, moment in self.handled:
            handled.setdefault(number, []).append(round(moment - self.start, 4))
        return tuple(
            Moment(
                number=number,
                sent=round(sent - self.start, 4),
                handled=tuple(handled.get(number, ())),
            )
            for number, sent in sorted(self.sent.items())
        )
