"""The story of a test: what happened when, for the report and for `grader replay`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from grader.suite.steps import shorten
from grader.worker import wire

_FIRST = 50
_LAST = 150
"""A long test is cut in the middle: how it began and how it ended is what is asked for."""


class Log:
    """The events of one test, in order: entries of `at` (seconds), `who`, `what`, `kill`."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._first: list[dict[str, Any]] = []
        self._last: deque[dict[str, Any]] = deque(maxlen=_LAST)
        self._count = 0
        self._numbers: dict[Any, int] = {}

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Return what happened; where much was left out, an entry says how much."""
        last = list(self._last)
        left_out = self._count - len(self._first) - len(last)
        gap = [{"at": last[0]["at"], "who": "", "what": f"({left_out} more)"}] if left_out else []
        return [*self._first, *gap, *last]

    def begin_again(self) -> None:
        """Forget what happened so far, but for the events' numbers: a story of its own begins."""
        self._start = time.monotonic()
        self._first.clear()
        self._last.clear()
        self._count = 0

    def number(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Give the test's events numbers, on from those before, as its messages do."""
        for event in events:
            self._numbers.setdefault(event.get("event_id"), len(self._numbers) + 1)

    def named(self, event: Any) -> str:
        """Return an event by its number where it has one, any value in short."""
        number = None
        if isinstance(event, dict) and isinstance(event.get("event_id"), int | str):
            number = self._numbers.get(event["event_id"])
        return shorten(event) if number is None else f"event {number}"

    def add(self, who: str, what: str, *, kill: bool = False) -> None:
        """Note that `who` did `what`, now; `kill` marks the end of a process."""
        at = round(time.monotonic() - self._start, 4)
        self._count += 1
        kept = self._first if self._count <= _FIRST else self._last
        kept.append({"at": at, "who": who, "what": what} | ({"kill": True} if kill else {}))


def argument(value: Any) -> str:
    """Return an argument for the log; an object that is made in the worker by what makes it."""
    match value:
        case wire.New(function):
            return f"{function.rpartition('.')[2]}(...)"
        case wire.Method(_, name):
            return f"a {name}"
        case wire.Kept(name):
            return name
    return shorten(value)
