"""Exercise 02, first half: follow a file with the `tail` command, through a pipe."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
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


QUEUE_SIZE = 1000


def _pump(stream, lines: queue.Queue) -> None:
    """Move lines from the pipe to the queue until the pipe ends."""
    for line in iter(stream.readline, b""):
        lines.put(line)
    lines.put(None)


def tail_consumer(
    path: str | os.PathLike[str], handle: Callable[[Event], None], *, max_events: int
) -> int:
    """Follow a file of events with `tail` as a child process, and read its output line by line."""
    command = ["tail", "-n", "+1", "-F", "--", os.fspath(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    lines: queue.Queue = queue.Queue(maxsize=QUEUE_SIZE)
    reader = threading.Thread(target=_pump, args=(process.stdout, lines), name="tail-reader")
    reader.start()
    handled = 0
    try:
        while handled < max_events:
            line = lines.get()
            if line is None:
                break
            event = _parse(line)
            if event is not None:
                handle(event)
                handled += 1
    finally:
        process.kill()
        process.wait()
        reader.join(timeout=1.0)
    return handled
