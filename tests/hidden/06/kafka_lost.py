"""Scenes in which a group loses a member: one is killed, one stands still."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack, suppress
from typing import Any

from kafka_members import Members
from kafka_student import Student

from grader.suite import Handle, Step
from grader.suite.content import same

SHORTEST_SESSION = 1500
"""Milliseconds of a session that is to end."""


class Killed(Members):
    """Begins two members that have a partition each; one is killed while it handles an event."""

    def __init__(
        self, student: Student, at_end: ExitStack, events: list[Any], times: int = 1
    ) -> None:
        """Begin both."""
        super().__init__(student, at_end, 2, times)
        self.events = events
        self.killed = False
        self.shared = False
        """Whether each of them handled an event of its own partition."""
        self.done: list[Any] = []
        """What the one that lives on handled before."""
        self.held: Any = None
        """What the other one was killed with."""
        self.instead: Step | None = None
        """What one of them did where it was to handle an event."""

    def wait(self) -> None:
        """Wait until both are there, or one has done something else: nothing is published yet."""

        def moved() -> bool:
            return any(not run.waiting(0) for run in self.runs)

        self.student.comes(lambda: self.together or moved(), self.patience)

    def kill_one(self) -> None:
        """Publish two events to each partition, and kill one of them inside its first handle."""
        if self.killed:
            return
        self.killed = True
        self.wait()
        student, (first, second) = self.student, self.runs
        self.topic.spread(*self.events)
        step = student.moves(first, self.patience)
        if not isinstance(step, Handle):
            self.instead = step
            return
        self.held = step.event
        theirs = [
            event for event in self.events if self._partition(event) != self._partition(self.held)
        ]
        while len(self.done) < len(theirs):
            step = student.moves(second, self.patience)
            if not isinstance(step, Handle):
                self.instead = step
                return
            self.done.append(step.event)
            second.handled()
        self.shared = same(self.done, theirs)
        # Its commit may not be on its way when the group begins to look for who is there.
        student.comes(lambda: not self.topic.not_passed(self.done))
        first.kill()

    def _partition(self, event: Any) -> int:
        return self.topic.place(event)[0]


class StoodStill(Members):
    """Begins two members; one stands still in its first event for longer than its session."""

    def __init__(
        self, student: Student, at_end: ExitStack, events: list[Any], times: int = 1
    ) -> None:
        """Begin both, the second one when the first one stands in its handle."""
        self.events = events
        self._slow_session = SHORTEST_SESSION * times
        self._stopped = False
        self._since: float | None = None
        super().__init__(student, at_end, 1, times)
        self.living = self.names[1:]

    def settings(self, name: str) -> dict[str, Any]:
        """Return the settings of the member of that name."""
        found = super().settings(name)
        if name == self.names[0]:
            found |= {
                "session.timeout.ms": self._slow_session,
                "max.poll.interval.ms": self._slow_session,
            }
        return found

    def prepare(self) -> None:
        """Publish the events."""
        self.topic.put(0, *self.events)

    def began(self) -> None:
        """Wait until the first one stands in its handle."""
        self.step = self.student.step(self.runs[0])

    def stop(self) -> None:
        """Let nothing of it run, not even a thread: it sends no heartbeat.

        One that can be reached from here alone; of others the client itself finds that it did not
        poll for max.poll.interval.ms.
        """
        pid = self.runs[0].process.pid
        if pid and not self._stopped:
            self._stopped = True
            with suppress(ProcessLookupError):  # it has ended itself, as its next step tells
                os.kill(pid, signal.SIGSTOP)

    def look(self, seconds: float = 0) -> float | None:
        """Return for how long the other one has stood in its first event; None: not yet."""
        if self._since is None and not self.runs[1].waiting(seconds):
            self._since = time.monotonic()
        return None if self._since is None else time.monotonic() - self._since

    def go_on(self) -> None:
        """Let it run again, and its handle return."""
        self._given_before = len(self._given(self.names[0]))
        if self._stopped:
            self._stopped = False
            with suppress(ProcessLookupError):
                os.kill(self.runs[0].process.pid, signal.SIGCONT)
        self.runs[0].handled()

    @property
    def is_back(self) -> bool:
        """Tell whether it went on as if nothing had been, and is a member again."""
        return len(self._given(self.names[0])) > self._given_before
