"""What a comparison found: one document, written and read as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Whose = Literal["solution", "own", "bare"]

NOT_WRITTEN = "it is not written yet"
"""The problem of a consumer that is still a stub."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Latency(_Model):
    """From the producer's clock to `handle`, in milliseconds, at a steady rate."""

    events: int
    rate: float
    p50: float
    p95: float
    p99: float
    samples: tuple[float, ...]


class Throughput(_Model):
    """At full speed."""

    events: int
    per_second: float
    """Median of the rounds."""
    cpu_per_1000: float
    """CPU seconds of the consumer, its child processes included, for 1,000 events."""
    ratio: float | None = None
    """Of this consumer to the bare client's loop; median of the rounds. None for the latter."""


class Idle(_Model):
    """While no event comes; all per minute."""

    seconds: float
    """How long it was watched."""
    cpu: float
    requests: float
    wakeups: float


class Moment(_Model):
    """An event on a time line."""

    number: int
    sent: float
    """Seconds since the run began."""
    handled: tuple[float, ...]


class Away(_Model):
    """The consumer stops, is away for a second, and comes back."""

    left: float
    back: float
    """Seconds since the run began."""
    sent_meanwhile: int
    arrived_later: int
    in_order: bool
    twice: int
    events: tuple[Moment, ...]


class Crash(_Model):
    """SIGKILL in or after `handle` of an event, and another consumer at once."""

    killed: float
    """Seconds since the run began."""
    killed_at: int
    """The number of the event that `handle` had."""
    sent: int
    lost: int
    twice: int
    events: tuple[Moment, ...]

    @property
    def again(self) -> bool:
        """Tell whether that event was handled twice."""
        return any(e.number == self.killed_at and len(e.handled) > 1 for e in self.events)


class Pair(_Model):
    """Two consumers at a time."""

    sent: int
    handled: tuple[int, int]
    kind: Literal["all", "share", "one", "neither"]
    """Each gets all; they share; only one of them can be; something else."""
    evenness: float | None
    """Of a share: the smaller part over the larger one."""
    note: str = ""


class Replay(_Model):
    """A service that begins when all was handled by another."""

    handled: int
    """Events that the first one handled."""
    again: int
    """How many of them the second one got."""


class Restart(_Model):
    """The broker is killed under a producer and a consumer, and started again."""

    sent: int
    lost: int
    twice: int
    down: float
    """Seconds from the kill until the broker greets a client again."""
    recovered: float
    """Seconds from the kill to the first event that is handled afterwards."""


class Column(_Model):
    """One technique with one consumer. What is None was not measured; `problems` may say why."""

    technique: str
    whose: Whose
    latency: Latency | None = None
    throughput: Throughput | None = None
    idle: Idle | None = None
    away: Away | None = None
    crash: Crash | None = None
    """Killed inside `handle`."""
    between: Crash | None = None
    """Killed when `handle` returned, before the acknowledgement."""
    pair: Pair | None = None
    """Two consumers that work beside each other."""
    services: Pair | None = None
    """Two consumers that each want all, as far as the technique knows such."""
    replay: Replay | None = None
    restart: Restart | None = None
    problems: dict[str, str] = {}
    """By measurement: a sentence."""

    @property
    def is_stub(self) -> bool:
        """Tell whether there is no consumer to measure yet."""
        return self.problems.get("all") == NOT_WRITTEN


class Machine(_Model):
    """The machine that was measured on."""

    processor: str
    cores: int
    system: str
    python: str
    packages: dict[str, str]


class Comparison(_Model):
    """The whole document."""

    format_version: Literal[1] = 1
    made: datetime
    seconds: float
    """What the run took."""
    machine: Machine
    techniques: tuple[str, ...] = ()
    """Those of the course, as course.toml names them; empty in a document from before the field:
    this course's own."""
    behind: dict[str, str]
    """What stood behind each technique: simulated or real, and its version."""
    rate: float
    seed: int
    poll_interval: float
    by_interval: dict[str, Latency]
    """The latency of a technique that polls at other intervals, in seconds."""
    short_poll: Idle | None
    """A technique asked without waiting, beside the long polls of its column."""
    columns: tuple[Column, ...]

    def column(self, technique: str, whose: Whose) -> Column | None:
        """Return the column of that technique and consumer, or None."""
        return next(
            (c for c in self.columns if c.technique == technique and c.whose == whose), None
        )

    @property
    def subject(self) -> Whose:
        """Whose consumers stand beside the bare clients."""
        return next((c.whose for c in self.columns if c.whose != "bare"), "bare")
