"""What goes on beside the tests of exercise 06, so that its seconds cost a run next to nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from kafka_student import SHORT_SESSIONS, Student

from grader.suite import Handle, Returned, Step

_HELD = 2.5
"""Seconds that an answer comes late: less than clients wait for one, however busy the machine."""
_QUIET = 10.5
"""Seconds without a message, at the least: by then the other tests have taken most of them. Ten
polls of a second are what is often taken for the end."""
_LONG = 9.0
"""Seconds for which the broker has not answered who publishes, at the least."""
_AT_MOST = 20.0
"""Seconds that an answer is held: of a request that takes longer, clients begin to despair."""


class Quiet:
    """Begins a consumer that handles an event, after which nothing comes."""

    def __init__(self, student: Student, events: list[Any]) -> None:
        """Begin it, and let it handle that event."""
        self.topic = student.new_topic(1)
        self.topic.put(0, events[0])
        self.run = student.consume(self.topic, max_events=2)
        self.step = student.step(self.run)
        if isinstance(self.step, Handle):
            self.run.handled()
        self._student = student
        self._since = time.monotonic()
        self._early: list[Step | None] = []

    @property
    def early(self) -> Step | None:
        """Return what it has done by now while nothing came; None: it waited."""
        if not self._early:
            step = self._student.moves(self.run, 0)
            if step is None:
                return None
            self._early.append(step)
        return self._early[0]

    @property
    def seconds(self) -> float:
        """Return for how long nothing has come."""
        return time.monotonic() - self._since

    def wait(self) -> None:
        """Let it be quiet for as long as it is to be, or until it does something."""
        if not self._early:
            step = self._student.moves(self.run, max(0.0, _QUIET - self.seconds))
            self._early += [step] if step is not None else []


class Elsewhere:
    """Publishes events by a process which shares nothing with those of the tests."""

    def __init__(self, student: Student, events: list[Any]) -> None:
        """Publish them."""
        self.topic = student.new_topic(len(events))
        self.events = events
        run = student.publish(self.topic, events)
        run.returned()
        run.process.kill()  # a sandbox has room for so many threads


class SlowReplay:
    """Begins a replay whose first request for messages is answered late."""

    def __init__(self, student: Student, events: list[Any], at_end: ExitStack) -> None:
        """Begin it."""
        self.topic = student.new_topic(2)
        self.topic.spread(*events)
        self._student = student
        over = threading.Event()
        at_end.callback(over.set)
        name = student.namer()
        hold = student.service.before("Fetch", action=lambda: over.wait(_HELD), client=name)
        asked = at_end.enter_context(hold)
        settings = student.settings(SHORT_SESSIONS, client_id=name)
        self.run = student.replay(self.topic, settings=settings)
        student.comes(asked.is_set)
        self._since = time.monotonic()

    def end(self) -> tuple[Step | None, float]:
        """Wait until the answer comes; return what it has done, and how late the answer was."""
        left = max(0.0, _HELD - (time.monotonic() - self._since))
        return self._student.moves(self.run, left), _HELD


class SlowPublish:
    """Begins a publish_events whose first request with events is answered when the test looks."""

    def __init__(self, student: Student, events: list[Any], at_end: ExitStack) -> None:
        """Begin it."""
        self.topic = student.new_topic(1)
        self.events = events
        self._student = student
        self._free, self._went_on = threading.Event(), threading.Event()
        at_end.callback(self._free.set)
        name = student.namer()
        self._since = time.monotonic()
        at_end.enter_context(student.service.before("Produce", action=self._hold, client=name))
        settings = student.settings(SHORT_SESSIONS, client_id=name)
        self.run = student.publish(self.topic, events, settings=settings)

    def _hold(self) -> None:
        self._free.wait(_AT_MOST)
        self._went_on.set()

    def end(self) -> tuple[Step, bool, float]:
        """Let the answer come; return how it ended, whether before that, and how late that was."""
        step = self._student.moves(self.run, max(0.0, _LONG - (time.monotonic() - self._since)))
        seconds = time.monotonic() - self._since
        early = step is not None and not self._went_on.is_set()
        self._free.set()
        return step or self.run.next(), early, seconds


class Waits:
    """Keeps what goes on beside the tests, by name."""

    def __init__(self, starts: dict[str, tuple[Any, Callable[..., Any]]]) -> None:
        """Keep where each of them goes on, and how it is begun."""
        self._starts = starts

    def begin(self) -> None:
        """Begin all of them, the first one first; go on with those that have come so far."""
        for name, (beside, start) in self._starts.items():
            beside.begin(name, start)
        with suppress(Exception):  # the test that looks finds it too
            self.look("pair").go_on()
            self.look("joined").go_on()
            killed = self.look("killed")
            if killed.together:
                killed.kill_one()
                self.look("stood still").stop()
            self.look("stood still").look()

    def gives_up(self, step: Step | None) -> bool:
        """Tell whether that step is the return of who takes a quiet moment for the end: 06.quiet's."""
        return isinstance(step, Returned) and self.ends_when_quiet

    @property
    def ends_when_quiet(self) -> bool:
        """Tell whether the consumer to which nothing comes has returned: 06.quiet's."""
        return isinstance(self.look("quiet").early, Returned)

    def look(self, name: str) -> Any:
        """Return what waits under that name.

        Raises:
            Exception: what happened when it was begun.
        """
        beside, start = self._starts[name]
        return beside.look(name, start)[0]
