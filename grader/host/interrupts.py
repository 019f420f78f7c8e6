"""Ctrl-C and SIGTERM, so that neither falls into the middle of starting a process.

Python raises KeyboardInterrupt wherever it is: between a fork and the line that writes down what
was forked, so that nobody ends it, or in a callback of the fork itself, where it is lost.
Source: the documentation of signal, "Note on Signal Handlers and Exceptions".
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_NUMBERS = (signal.SIGINT, signal.SIGTERM)
_Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None


class _Held:
    """Signals that came while they were held back, and the handlers that wait for them."""

    def __init__(self) -> None:
        self._came: list[int] = []
        self._before: dict[int, _Handler] = {
            number: signal.signal(number, self._note) for number in _NUMBERS
        }

    def _note(self, number: int, _: FrameType | None) -> None:
        self._came.append(number)

    def release(self) -> None:
        for number, handler in self._before.items():
            # None: somebody in C has it, and signal() cannot put it back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for number in dict.fromkeys(self._came):
            signal.raise_signal(number)


_held: _Held | None = None


@contextmanager
def held() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back until the block is done; then they do what they do.

    For a short block that starts a process and writes down that it did. A block in another one, or
    outside of the main thread, which no signal interrupts, holds nothing itself.
    """
    global _held  # noqa: PLW0603 - signals are the process's, and so is what holds them
    if _held is not None or threading.current_thread() is not threading.main_thread():
        yield
        return
    mine = _held = _Held()
    try:
        yield
    finally:
        if _held is mine:
            _held = None
            mine.release()


def release_in_child() -> None:
    """In a process that was forked in a block of :func:`held`: what comes from now on acts here."""
    global _held
    if _held is not None:
        mine, _held = _held, None
        mine.release()


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does: what it started is ended, too.

    Where somebody else has said what SIGTERM does, it stays.
    """
    main_thread = threading.current_thread() is threading.main_thread()
    if not main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt in the block, and end what it ends after the block.

    For a library that takes SystemExit for a fault of its own, as pytest does.
    """
    main_thread = threading.current_thread() is threading.main_thread()
    if not main_thread or signal.getsignal(signal.SIGTERM) is not _exit:
        yield
        return
    came = False

    def note(*_: Any) -> None:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, _exit)
        if came:
            signal.raise_signal(signal.SIGTERM)


def _exit(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)
