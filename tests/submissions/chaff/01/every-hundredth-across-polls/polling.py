"""Exercise 01: poll a growing file and remember how far you have read."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

EVERY_N = 100  # an fsync-happy disk does not like a write an event

Event = dict[str, Any]
PathLike = str | os.PathLike[str]


def parse_line(raw: bytes) -> Event | None:
    """Return the event on a line, or None when there is none."""
    try:
        value = json.loads(raw.decode("utf-8"))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def scan(path: PathLike, offset: int) -> tuple[int, list[tuple[Event, int]], int]:
    """Return where reading began, the events with the byte after each, and the end."""
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        return 0, [], 0
    with file:
        start = offset if os.fstat(file.fileno()).st_size >= offset else 0
        file.seek(start)
        found: list[tuple[Event, int]] = []
        end = start
        for raw in file:
            if not raw.endswith(b"\n"):
                break
            end += len(raw)
            event = parse_line(raw)
            if event is not None:
                found.append((event, end))
    return start, found, end


def read_new_events(path: PathLike, offset: int) -> tuple[list[Event], int]:
    """Read what was appended since the last time."""
    _, found, end = scan(path, offset)
    return [event for event, _ in found], end


def load_offset(offset_path: PathLike | None) -> int:
    """Read the stored offset; absent or empty means 0."""
    if offset_path is None:
        return 0
    try:
        with open(offset_path, encoding="ascii") as file:
            return int(file.read().strip() or 0)
    except FileNotFoundError:
        return 0


def save_offset(offset_path: PathLike | None, offset: int) -> None:
    """Write the offset aside, then put it in place in one step."""
    if offset_path is None:
        return
    aside = f"{os.fspath(offset_path)}.tmp"
    with open(aside, "w", encoding="ascii") as file:
        file.write(str(offset))
    os.replace(aside, offset_path)


def poll(
    path: PathLike,
    handle: Callable[[Event], None],
    *,
    poll_interval: float = 2.0,
    max_polls: int = 10,
    offset_path: PathLike | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Poll a file: look, handle what is new, sleep, look again."""
    offset = load_offset(offset_path)
    handled = 0
    since_update = 0
    try:
        for number in range(max_polls):
            if number > 0:
                sleep(poll_interval)
            start, found, end = scan(path, offset)
            if start != offset:
                offset = start
                save_offset(offset_path, offset)
            for event, after in found:
                handle(event)
                handled += 1
                offset = after
                since_update += 1
                if since_update >= EVERY_N:
                    save_offset(offset_path, offset)
                    since_update = 0
            offset = end
    finally:
        save_offset(offset_path, offset)
    return handled
