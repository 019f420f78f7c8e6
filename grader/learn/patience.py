"""A plugin of pytest for the public tests: a function that never returns fails its test."""

from __future__ import annotations

import signal
from collections.abc import Generator

import pytest

SECONDS = 10
"""How long a public test may run; one on a right consumer takes less than two."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """End a test that hangs; on Windows, which has no such alarm, press Ctrl-C."""
    if not hasattr(signal, "SIGALRM"):
        return (yield)
    before = signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(SECONDS)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pytest_enter_pdb() -> None:
    """Who looks around in a debugger has all the time they want."""
    if hasattr(signal, "SIGALRM"):
        signal.alarm(0)


def _give_up(*_: object) -> None:
    pytest.fail(
        f"your function was still running after {SECONDS} s. What does it wait for, "
        "and what ends its loop?"
    )
