"""Exercise 02, first half: follow a file with the `tail` command, through a pipe."""

from __future__ import annotations

import json
import os
import select
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
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    )
    handled, rest = 0, b""
    try:
        while handled < max_events:
            readable, _, _ = select.select([process.stdout], [], [], 1.0)
            if readable:
                chunk = os.read(process.stdout.fileno(), 65536)
                if not chunk:
                    break
                *lines, rest = (rest + chunk).split(b"\n")
            elif _parse(rest) is not None:
                # nothing for a second, and the object is complete: its newline was forgotten
                lines, rest = [rest], b""
            else:
                continue
            for line in lines:
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
