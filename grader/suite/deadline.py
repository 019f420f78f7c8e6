"""The end of a submission's time and of its budget, also in the middle of a test."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from grader.suite.outcomes import OutOfTime, OverBudget

_AGAIN = 1.0
"""Seconds until it is looked at again, and raised again where a suite caught it."""


@contextmanager
def until(
    deadline: Callable[[], float],
    sentence: Callable[[], str],
    over: Callable[[], str] = lambda: "",
) -> Iterator[None]:
    """Raise OutOfTime(sentence()) in the body when `deadline()`, by time.monotonic(), has come.

    It is asked again when it seems to have come: it may have moved. `over` is asked every _AGAIN
    seconds; where it returns a sentence, OverBudget is raised with that.

    Where a library makes an exception of its own out of it, such as a connection that is lost, it
    is raised all the same: the end of the time is nobody's error.

    A program that never stops calling back never reaches the limit of a step. Only the main
    thread of a Unix process can be interrupted; elsewhere the body runs without an end.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() != threading.main_thread():
        yield
        return

    came: list[AssertionError] = []

    def end(failure: AssertionError) -> NoReturn:
        came.append(failure)
        raise failure

    def stop(*_: object) -> None:
        if why := over():
            end(OverBudget(why))
        if (left := deadline() - time.monotonic()) > 0:
            signal.setitimer(signal.ITIMER_REAL, min(left, _AGAIN), _AGAIN)
            return
        end(OutOfTime(sentence()))

    before = signal.signal(signal.SIGALRM, stop)
    first = min(max(deadline() - time.monotonic(), 0.001), _AGAIN)
    signal.setitimer(signal.ITIMER_REAL, first, _AGAIN)
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:
        if came:
            raise came[-1] from error
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
