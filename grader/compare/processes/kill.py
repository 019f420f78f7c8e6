"""A kill at an exact place in a consumer's code."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Any


def kill_at_return() -> None:
    """Let SIGKILL end this process at the moment when the calling function returns.

    Python's profiling hook hears of the return before the caller's caller runs another
    instruction. So everything the function did is done, and nothing that comes after it is.
    """
    function = sys._getframe(1)  # noqa: SLF001 - the public way to a frame needs a traceback

    def hook(frame: FrameType, event: str, _: Any) -> None:
        if frame is function and event == "return":
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(hook)
