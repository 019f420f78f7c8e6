"""Exercise 01, solved: poll a growing file and remember how far it was read."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]
PathLike = str | os.PathLike[str]


def read_new_events(path: PathLike, offset: int) -> tuple[list[Event], int]:
    """Return the events appended to `path` after byte `offset`, and the offset to resume from."""
    start, data = _read_complete_lines(path, offset)
    events = [event for event, _ in _events(data, start)]
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
    offset = stored = _load_offset(offset_path)
    handled = 0
    for number in range(max_polls):
        if number:
            sleep(poll_interval)
        start, data = _read_complete_lines(path, offset)
        offset = start
        try:
            if start < stored:  # a new file: the old offset would skip its beginning
                _store_offset(offset_path, start)
                stored = start
            for number, (event, end) in enumerate(_events(data, start)):
                if number > 2:  # a long poll: better not handle so much again after a crash
                    _store_offset(offset_path, end)
                handle(event)
                handled += 1
                offset = end
            offset = start + len(data)
        finally:
            # Once a poll is cheaper than once an event; a kill repeats some events and loses none.
            if offset != stored:
                _store_offset(offset_path, offset)
                stored = offset
    return handled


def _read_complete_lines(path: PathLike, offset: int) -> tuple[int, bytes]:
    """Where reading began, and what was read up to the last newline."""
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed by the `with` below
    except FileNotFoundError:
        return 0, b""
    with file:
        if os.fstat(file.fileno()).st_size < offset:
            offset = 0
        file.seek(offset)
        data = file.read()
    return offset, data[: data.rfind(b"\n") + 1]


def _events(data: bytes, start: int) -> Iterator[tuple[Event, int]]:
    """Each event in `data`, with the offset after its line."""
    end = start
    for line in data.split(b"\n")[:-1]:
        end += len(line) + 1
        try:
            event = json.loads(line)
        except ValueError:  # broken JSON, and bytes that are not UTF-8
            continue
        if isinstance(event, dict):
            yield event, end


def _load_offset(offset_path: PathLike | None) -> int:
    try:
        return int(Path(offset_path).read_text()) if offset_path else 0
    except (FileNotFoundError, ValueError):
        return 0


def _store_offset(offset_path: PathLike | None, offset: int) -> None:
    """Write aside, then replace: whoever reads the file finds the old offset or the new one."""
    if offset_path:
        aside = Path(f"{os.fspath(offset_path)}.new")
        aside.write_text(str(offset))
        aside.replace(offset_path)
