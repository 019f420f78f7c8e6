"""A run of a consumer of exercise 03, with what it should handle; for both halves."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any

from broker_words import how_it_looks, these

from grader.suite import Handle, Process, Raised, Ready, Returned, Run, Step
from grader.suite.steps import in_words


def is_another_checks(step: Step) -> bool:
    """Tell whether it is ready(), or handle() of what is no event.

    Those have checks of their own: a mistake there should not cost the points of all others.
    """
    return isinstance(step, Ready) or (
        isinstance(step, Handle) and not isinstance(step.event, dict)
    )


@contextmanager
def held_still(process: Process) -> Iterator[None]:
    """Let nothing of it run, not even a thread: what it has left undone stays undone.

    One that can be reached from here alone; of others what is done a moment later passes.
    """
    pid = process.pid
    if pid:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if pid:
            os.kill(pid, signal.SIGCONT)


class Tracked:
    """A run of a consumer, with what it should handle; for both halves."""

    def __init__(self, run: Run, everything: list[Any]) -> None:
        self.run = run
        self.everything = everything
        self.ready = False
        """Whether ready() was called and let go on, while it was waited for the subscription."""

    def these(self, events: list[Any]) -> str:
        """Events by their place in what was published, for a sentence."""
        return these(events, self.everything)

    def step(self) -> Step:
        """The next step that matters."""
        while is_another_checks(step := self.run.next()):
            self.run.go_on()
        return step

    def moves(self, seconds: float) -> Step | None:
        """The step that matters within that time; None: it waits."""
        deadline = time.monotonic() + seconds
        while not self.run.waiting(max(0.0, deadline - time.monotonic())):
            step = self.run.next()
            if not is_another_checks(step):
                return step
            self.run.go_on()
        return None

    def event(self) -> Any:
        """The event of the next step, which must be a handle(event)."""
        step = self.step()
        if isinstance(step, Handle):
            return step.event
        raise self.run.otherwise("handle the next event", in_words(step, "it"))

    def said(self, step: Step) -> str:
        """What it did, for the end of a sentence."""
        return in_words(step, "it")

    def expect(self, event: Any, when: str) -> None:
        """The next step handles `event`; it stands in handle() afterwards."""
        self.run.process.case.given(when)
        seen = self.event()
        assert seen == event, (
            f"{when}: it should handle {self.these([event])}{how_it_looks(event)} next; it handled "
            f"{self.these([seen])}{how_it_looks(seen)}"
        )

    def take(self, events: list[Any], when: str, returned: Iterable[Any] = (None,)) -> None:
        """The next steps handle `events`, and succeed; handle() returns those values in turn."""
        scene = when
        for event, value in zip(events, cycle(returned), strict=False):
            self.expect(event, scene)
            self.run.handled(value)
            scene = when if value is None else f"{when}, and handle() returned {value!r} for one"
        self.run.process.case.given(scene)

    def finish(self, when: str, most: int) -> list[Any]:
        """Say yes to every step until it returns, or has handled more than `most`; the events."""
        self.run.process.case.given(when)
        events: list[Any] = []
        while isinstance(step := self.step(), Handle):
            events.append(step.event)
            if len(events) > most:
                return events
            self.run.handled()
        if isinstance(step, Raised):
            raise self.run.otherwise("return", in_words(step, "it"))
        assert isinstance(step, Returned)
        self.run.value = step.value
        return events
