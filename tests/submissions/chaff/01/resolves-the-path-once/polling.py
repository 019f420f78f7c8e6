"""Exercise 01: poll a growing file and remember how far you have read."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Event = dict[str, Any]
PathLike = str | os.PathLike[str]


def _parse(line: bytes) -> Event | None:
    """Return the event of one complete line, or None."""
    if not line.strip():
        return None
    try:
        value = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _scan(path: PathLike, offset: int) -> tuple[list[tuple[Event | None, int]], int]:
    """Return (event or None, end) of each complete new line, and where reading began."""
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size < offset:
                offset = 0
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return [], 0
    lines: list[tuple[Event | None, int]] = []
    position = 0
    while (newline := data.find(b"\n", position)) >= 0:
        lines.append((_parse(data[position:newline]), offset + newline + 1))
        position = newline + 1
    return lines, offset


def _load_offset(offset_path: PathLike | None) -> int:
    if offset_path is None:
        return 0
    try:
        text = Path(offset_path).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return 0
    return int(text) if text else 0


def _save_offset(offset_path: PathLike | None, offset: int) -> None:
    if offset_path is None:
        return
    target = Path(offset_path)
    aside = target.with_name(target.name + ".tmp")
    aside.write_text(str(offset), encoding="ascii")
    os.replace(aside, target)


def read_new_events(path: PathLike, offset: int) -> tuple[list[Event], int]:
    """Read what was appended to a file of events since the last time."""
    lines, start = _scan(path, offset)
    events = [event for event, _ in lines if event is not None]
    return events, lines[-1][1] if lines else start


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
    handled = 0
    path = Path(path).resolve()  # the working directory may change meanwhile
    offset = _load_offset(offset_path)
    for number in range(max_polls):
        if number:
            sleep(poll_interval)
        lines, start = _scan(path, offset)
        if start != offset:
            offset = start
            _save_offset(offset_path, offset)
        for event, end in lines:
            if event is not None:
                handle(event)
                handled += 1
            offset = end
            _save_offset(offset_path, offset)
    return handled
