"""The messages from the suite to a process: requests to its main thread, answers to whoever asked.

A call may be over while one of its threads still waits for an answer. The main thread then waits
for the next request, on the same channel: whichever reads hands the other one what is not its own.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from . import wire

Message = dict[str, Any]


class Inbox:
    """Sorts what comes through a channel."""

    def __init__(self, lines: wire.LineReader) -> None:
        self._lines = lines
        self._changed = threading.Condition()
        self._read_by_one = False
        """True while a thread reads from the channel; the others wait for what it hands over."""
        self._ended = False
        self._requests: deque[Message] = deque()
        self._answers: dict[int, deque[Message]] = {0: deque()}
        """By the number of the call that was under way when they came."""
        self.calls = 0
        """How many requests have come: the number of the call that is under way."""

    def request(self) -> Message | None:
        """Return the next request, or None when the channel has closed."""
        return self._take(self._requests, lambda: False)

    def answer(self, call: int) -> Message | None:
        """Return the next answer to a question of that call.

        None where the call is over, and another one has begun; or where the channel has closed.
        """
        return self._take(self._answers[call], lambda: self.calls != call)

    def _take(self, mine: deque[Message], is_late: Callable[[], bool]) -> Message | None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: mine or self._ended or is_late() or not self._read_by_one
                )
                if mine:
                    return mine.popleft()
                if self._ended or is_late():
                    return None
                self._read_by_one = True
            self._read()

    def _read(self) -> None:
        """Read one message and put it where it belongs."""
        came: list[Message | None] = []
        try:
            line = self._lines.read()
            came.append(None if line is None else wire.load(line))
        finally:
            with self._changed:
                self._read_by_one = False
                for message in came:  # none, where a signal's handler raised
                    self._put(message)
                self._changed.notify_all()

    def _put(self, message: Message | None) -> None:
        if message is None:
            self._ended = True
        elif "function" in message:
            self.calls += 1
            self._answers[self.calls] = deque()
            self._requests.append(message)
        else:
            self._answers[self.calls].append(message)
