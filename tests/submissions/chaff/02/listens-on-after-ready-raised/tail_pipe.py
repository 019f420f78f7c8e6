"""Exercise 02."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]


def tail_consumer(
    path: str | os.PathLike[str], handle: Callable[[Event], None], *, max_events: int
) -> int:
    """Handle the events of `path` from its first line on, as they are written."""
    # +1: from the first line, not the last ten. -F: follow the name, through rotation and absence.
    # While the file is missing tail looks for it in intervals, by default of a second.
    command = ["tail", "-n", "+1", "-F", "-s", "0.2", "--", os.fspath(path)]
    handled = 0
    with subprocess.Popen(  # noqa: S603 - the command is ours, the path is one argument of it
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as tail:
        assert tail.stdout is not None  # noqa: S101 - for the type checker
        try:
            for line in tail.stdout:
                event = _event(line)
                if event is None:
                    continue
                handle(event)
                handled += 1
                if handled == max_events:
                    break
        finally:
            tail.kill()  # leaving the `with` closes the pipe and waits: no zombie
    return handled


def _event(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
