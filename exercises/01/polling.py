"""Exercise 01: poll a growing file and remember how far you have read.

The lesson is in README.md beside this file. Fill in the two functions; helpers of your own are
welcome. Check your work with `pytest exercises/01`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]
PathLike = str | os.PathLike[str]


def read_new_events(path: PathLike, offset: int) -> tuple[list[Event], int]:
    """Read what was appended to a file of events since the last time.

    The file holds one JSON object a line, in UTF-8, and grows at its end.

    Args:
        path: The file. It may not exist (yet).
        offset: How many bytes of it were consumed before.

    Returns:
        The events on the complete lines after `offset`, in the order of the file, and the offset
        to pass next time: the end of the last complete line.

        - A last line without its newline is still being written. It is left for a later call.
        - A complete line that is not a JSON object (broken JSON, a number, a list, bytes that are
          not UTF-8) is skipped for good. Blank lines are skipped too.
        - A missing file has no events, and its offset is 0, whatever was passed.
        - A file that is shorter than `offset` was truncated or replaced: it is read from its start.

    Read only what is new. Offsets count bytes, so open the file in binary mode.
    """
    raise NotImplementedError("read the file from byte `offset` on, and split it into lines")


def poll(
    path: PathLike,
    handle: Callable[[Event], None],
    *,
    poll_interval: float = 2.0,
    max_polls: int = 10,
    offset_path: PathLike | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Poll a file: look, handle what is new, sleep, look again.

    Args:
        path: The file of events.
        handle: Called with each new event. When it returns, the event is handled; when it
            raises, it is not, and the exception leaves `poll` unchanged.
        poll_interval: Seconds between two polls.
        max_polls: How many times to look.
        offset_path: Where to keep the offset, so that a later `poll` goes on from there. Absent
            or empty means offset 0. What you write into it is up to you. None: keep it nowhere.
        sleep: What to wait with, called `max_polls - 1` times: between two polls, whether
            or not there were events, and not after the last. Wait in no other way.

    Returns:
        How many events were handled.

    The stored offset never runs ahead of the handled events, so that a process that is killed
    loses none; an event handled just before the kill may come again. After a return or an
    exception none comes again. At whatever moment the process is killed, the file at
    `offset_path` holds an old offset or a new one, never less. When the file of events turns out
    to be a new, shorter one, offset 0 is stored before any event of it is handled.
    """
    raise NotImplementedError("call read_new_events, handle each event, store the offset, sleep")
