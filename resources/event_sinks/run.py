"""One run of the event generator: when each event is sent, what is printed, what was counted."""

from __future__ import annotations

import contextlib
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

import click

from event_sinks.base import Sink, SinkError, events
from events import RandomTrips


@dataclass(frozen=True)
class Plan:
    """The events to send, and when."""

    interval: float
    """Seconds from the start of one event to the start of the next; 0 is full speed."""
    count: int
    """Number of events; 0 is without end."""
    seed: int | None
    quiet: bool

    def announce(self, target: str) -> str:
        """Return the plan as a sentence."""
        what = events(self.count) if self.count else "events"
        pace = f"one every {self.interval:g} s" if self.interval else "as fast as possible"
        end = "" if self.count else ", until Ctrl-C"
        return f"Sending {what} to {target}, {pace}{end}."


class Run:
    """One run of the generator into an open sink; `sent` is right whenever it ends."""

    def __init__(self, name: str, sink: Sink, plan: Plan) -> None:
        self.sent = 0
        self._name = name
        self._sink = sink
        self._plan = plan

    def go(self) -> None:
        """Send the events of the plan. Raises SinkError, and KeyboardInterrupt on Ctrl-C."""
        plan, sink = self._plan, self._sink
        trips = RandomTrips(random.Random(plan.seed))
        hold = contextlib.nullcontext if sink.interruptible else _ctrl_c_held
        block = sink.block if plan.quiet and not plan.interval else 1
        start = time.monotonic()
        while not plan.count or self.sent < plan.count:
            if plan.interval and self.sent:
                # Counted from the start, so that the time that sending takes does not add up.
                due = start + self.sent * plan.interval
                sink.wait(max(0.0, due - time.monotonic()))
            size = min(block, plan.count - self.sent) if plan.count else block
            with hold():
                try:
                    sink.send(trips.lines(size))
                except SinkError as error:
                    self.sent += error.taken
                    raise
                self.sent += size
            if not plan.quiet:
                click.echo(f"[{self._name}] {sink.done} event {self.progress('/')}")

    def progress(self, of: str) -> str:
        """Return how many events were sent, and of how many where that is known."""
        return f"{self.sent}{of}{self._plan.count}" if self._plan.count else str(self.sent)

    def stopped(self) -> str:
        """Return how far it got, for a run that did not come to its end."""
        noun = "event" if (self._plan.count or self.sent) == 1 else "events"
        return f"after {self.progress(' of ')} {noun}"


@contextlib.contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done: what was written was also counted."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        # Whoever started this program in the background told it to ignore Ctrl-C.
        yield
        return
    pressed = False

    def note(_number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt
