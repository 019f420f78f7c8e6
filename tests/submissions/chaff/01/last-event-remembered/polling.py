"""Exercise 01: poll a growing file and remember how far you have read."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

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


def load_state(offset_path: PathLike | None) -> dict[str, Any]:
    """Read the checkpoint; absent or empty means the beginning."""
    fresh: dict[str, Any] = {"offset": 0, "last": None}
    if offset_path is None:
        return fresh
    try:
        with open(offset_path, encoding="utf-8") as file:
            return json.loads(file.read() or "null") or fresh
    except FileNotFoundError:
        return fresh


def save_state(offset_path: PathLike | None, state: dict[str, Any]) -> None:
    """Write the checkpoint aside, then put it in place in one step."""
    if offset_path is None:
        return
    aside = f"{os.fspath(offset_path)}.tmp"
    with open(aside, "w", encoding="utf-8") as file:
        json.dump(state, file)
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
    state = load_state(offset_path)
    resuming = True
    handled = 0
    for number in range(max_polls):
        if number > 0:
            sleep(poll_interval)
        start, found, end = scan(path, state["offset"])
        if start != state["offset"]:
            state = {"offset": start, "last": None}
            save_state(offset_path, state)
        for event, after in found:
            # the first one after a restart may be the one we had just finished with
            if not (resuming and event == state["last"]):
                handle(event)
                handled += 1
            resuming = False
            state = {"offset": after, "last": event}
            save_state(offset_path, state)
        if state["offset"] != end:
            state["offset"] = end
            save_state(offset_path, state)
    return handled
