"""The story of a test: what happened when, for the report and for `grader replay`."""

from __future__ import annotations

import time
from typing import Any

from grader.sandbox.inside import wire
from grader.suite.steps import shorten

_LOG_LIMIT = 200


class Log:
    """What happened in one test, in order: entries of `at` (seconds), `who` and `what`."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self.entries: list[dict[str, Any]] = []

    def add(self, who: str, what: str) -> None:
        """Note that `who` did `what`, now."""
        if len(self.entries) < _LOG_LIMIT:
            at = round(time.monotonic() - self._start, 4)
            self.entries.append({"at": at, "who": who, "what": what})


def argument(value: Any) -> str:
    """An argument for the log; an object that is made in the worker by what makes it."""
    match value:
        case wire.New(function):
            return f"{function}(...)"
        case wire.Method(_, name):
            return f".{name}(...)"
        case wire.Kept(name):
            return name
    return shorten(value)
