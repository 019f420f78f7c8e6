"""The end of a submission's time, also in the middle of a test."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from grader.suite.outcomes import OutOfTime

_AGAIN = 1.0
"""Seconds until it is raised again, where a suite caught it."""


@contextmanager
def until(deadline: Callable[[], float], sentence: Callable[[], str]) -> Iterator[None]:
    """Raise OutOfTime(sentence()) in the body when `deadline()`, by time.monotonic(), has come.

    It is asked again when it seems to have come: it may have moved.

    A program that never stops calling back never reaches the limit of a step. Only the main
    thread of a Unix process can be interrupted; elsewhere the body runs without an end.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() != threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        if (left := deadline() - time.monotonic()) > 0:
            signal.setitimer(signal.ITIMER_REAL, left, _AGAIN)
            return
        raise OutOfTime(sentence())

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(deadline() - time.monotonic(), 0.001), _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
