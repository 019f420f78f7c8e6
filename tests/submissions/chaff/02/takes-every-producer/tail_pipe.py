"""Exercise 02, first half: follow a file with the `tail` command, through a pipe."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]


def _parse(line: bytes) -> Event | None:
    """Return the event of one line, or None where there is none."""
    if not line.strip():
        return None
    try:
        value = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def tail_consumer(
    path: str | os.PathLike[str], handle: Callable[[Event], None], *, max_events: int
) -> int:
    """Follow a file of events with `tail` as a child process, and read its output line by line."""
    command = ["tail", "-n", "+1", "-F", "--", os.fspath(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    handled = 0
    try:
        for line in process.stdout:
            if not line.endswith(b"\n"):
                break
            event = _parse(line)
            if event is None:
                continue
            handle(event)
            handled += 1
            if handled >= max_events:
                break
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    return handled
