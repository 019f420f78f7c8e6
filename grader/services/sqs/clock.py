"""The clock by which moto's queues hide and return messages: it moves, and never stands still."""

from __future__ import annotations

import datetime as dt
import threading
import time

import moto.core.utils
import moto.sqs.models

_real_utcnow = moto.core.utils.utcnow


class Clock:
    """Real time, plus what `advance` added. A frozen clock would hang moto's long polls."""

    def __init__(self) -> None:
        self._ahead = dt.timedelta()
        self._lock = threading.Lock()

    def advance(self, seconds: float) -> None:
        """Let that many seconds pass at once."""
        with self._lock:
            self._ahead += dt.timedelta(seconds=seconds)

    def now(self) -> dt.datetime:
        """Return the time that moto sees."""
        return _real_utcnow() + self._ahead

    def seconds(self) -> float:
        """Return the time that moto sees, since 1970."""
        return time.time() + self._ahead.total_seconds()

    def milliseconds(self) -> float:
        """Return the same, in milliseconds."""
        return self.seconds() * 1000

    def install(self) -> None:
        """Make moto use this clock, in this process.

        moto asks some times for each message of a queue, in each request, and takes long to make
        seconds of a date.
        """
        moto.core.utils.utcnow = self.now
        vars(moto.sqs.models).update(unix_time=self.seconds, unix_time_millis=self.milliseconds)
