"""Runs that go on beside the tests: begun by an early test, looked at by a later one.

A wait of seconds then costs a run next to nothing, since other tests take place meanwhile. They
have a sandbox of their own, so that a kill in a test is the end of all that the tests began.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from grader.services.base import Service
from grader.suite.consumer import Consumer
from grader.suite.session import Session

Start = Callable[[Consumer, ExitStack], Any]
"""Begins a run and waits until it stands where it is to stay; what goes on the stack happens at
the end."""


@dataclass(frozen=True)
class _Begun:
    consumer: Consumer
    value: Any
    problem: Exception | None
    since: float


class Beside:
    """Keeps each run under a name."""

    def __init__(self, session: Session) -> None:
        self._session = session.another()
        self._begun: dict[str, _Begun] = {}
        self._at_end = ExitStack()

    def another(self) -> Beside:
        """Return one more with a sandbox of its own: one has room for so many threads."""
        return Beside(self._session)

    def service(self, name: str) -> Service:
        """Return the service of that name, attached to the sandbox of these runs."""
        return self._session.service(name)

    def begin(self, name: str, start: Start) -> None:
        """Begin the run of that name, once. What goes wrong is raised by `look`, not here."""
        if name in self._begun:
            if self._begun[name].consumer.sandbox.alive:
                return
            self._begun[name].consumer.close()
        consumer = Consumer(self._session)
        value, problem = None, None
        try:
            value = start(consumer, self._at_end)
        except Exception as error:  # noqa: BLE001 - it belongs to the test that looks
            problem = error
            consumer.close()
        else:
            self._session.spared |= consumer.pids
        self._begun[name] = _Begun(consumer, value, problem, time.monotonic())

    def look(self, name: str, start: Start) -> tuple[Any, float]:
        """Return what `start` gave, and how many seconds ago.

        It begins now where it has not begun, or where its sandbox was ended meanwhile.

        Raises:
            Exception: what `start` raised.
        """
        self.begin(name, start)
        begun = self._begun[name]
        if begun.problem is not None:
            raise begun.problem
        return begun.value, time.monotonic() - begun.since

    def close(self) -> None:
        """End every run."""
        self._at_end.close()
        self._session.spared.clear()
        for begun in self._begun.values():
            begun.consumer.close()
        self._session.close()
