"""Exercise 01 in two files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from helpers import complete_lines, events_in, load_offset, store_offset

Event = dict[str, Any]
PathLike = str | os.PathLike[str]


def read_new_events(path: PathLike, offset: int) -> tuple[list[Event], int]:
    """The events appended to `path` after byte `offset`, and the offset to resume from."""
    start, data = complete_lines(path, offset)
    events = [event for event, _ in events_in(data, start)]
    return events, start + len(data)


def poll(
    path: PathLike,
    handle: Callable[[Event], None],
    *,
    poll_interval: float = 2.0,
    max_polls: int = 10,
    offset_path: PathLike | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Look `max_polls` times for new events, handle each, and return how many were handled."""
    offset = stored = load_offset(offset_path)
    handled = 0
    for number in range(max_polls):
        if number:
            sleep(poll_interval)
        start, data = complete_lines(path, offset)
        offset = start
        try:
            if start < stored:  # a new file: the old offset would skip its beginning
                store_offset(offset_path, start)
                stored = start
            for event, end in events_in(data, start):
                handle(event)
                handled += 1
                offset = end
            offset = start + len(data)
        finally:
            # Once a poll is cheaper than once an event; a kill repeats some events and loses none.
            if offset != stored:
                store_offset(offset_path, offset)
                stored = offset
    return handled


if __name__ == "__main__":
    poll("events.ndjson", print)
