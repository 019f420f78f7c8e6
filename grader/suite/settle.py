"""Looking again at what the kernel, or a server, does a moment after a consumer's end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sized
from typing import TypeVar

_PAUSE = 0.005
"""Seconds between two looks."""

S = TypeVar("S", bound=Sized)


def settled(left: Callable[[], S], within: float = 2.0) -> S:
    """Return what `left` finds once it finds nothing, or else after `within` seconds.

    One look would count what was ended and has not gone yet.
    """
    deadline = time.monotonic() + within
    while (found := left()) and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    return found
