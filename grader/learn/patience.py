"""A plugin of pytest for the public tests: a function that never returns fails its test."""

from __future__ import annotations

import linecache
import signal
from collections.abc import Generator
from pathlib import Path
from types import FrameType

import pytest

SECONDS = 10
"""How long a public test may run; one on a right consumer takes less than two."""
AGAIN = 1
"""Seconds that a test gets which stands in the function in which another one hung."""
_hung_in: set[tuple[str, str]] = set()


class StillRunning(BaseException):
    """A function of the learner's did not return in time."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """End a test that hangs; on Windows, which has no such alarm, press Ctrl-C."""
    if not hasattr(signal, "SIGALRM"):
        return (yield)
    looks = [AGAIN] if AGAIN < SECONDS else []

    def look(_: int, frame: FrameType | None) -> None:
        __tracebackhide__ = True  # the learner's line is the last one of the traceback
        place = _learners_frame(frame, item.path.parent)
        code = place.f_code if place is not None else None
        where = (code.co_filename, code.co_name) if code is not None else ("", "")
        if looks and where not in _hung_in:
            signal.alarm(SECONDS - looks.pop())
            return
        if code is not None:
            _hung_in.add(where)
        _give_up(AGAIN if looks else SECONDS, place)

    before = signal.signal(signal.SIGALRM, look)
    signal.alarm(looks[0] if looks else SECONDS)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pytest_enter_pdb() -> None:
    """Stop the clock: who looks around in a debugger has all the time they want."""
    if hasattr(signal, "SIGALRM"):
        signal.alarm(0)


def _learners_frame(frame: FrameType | None, folder: Path) -> FrameType | None:
    """Return the innermost frame of the learner's own code, beside the tests in `folder`."""
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.parent == folder and not path.match("test_*.py") and path.name != "conftest.py":
            return frame
        frame = frame.f_back
    return None


def _give_up(seconds: int, place: FrameType | None) -> None:
    __tracebackhide__ = True
    stood = ""
    if place is not None:
        path = place.f_code.co_filename
        source = linecache.getline(path, place.f_lineno).strip()
        stood = f", in line {place.f_lineno} of {Path(path).name}, `{source}`"
    # What to ask oneself then is the hint's.
    raise StillRunning(f"your function was still running after {seconds} s{stood}")
