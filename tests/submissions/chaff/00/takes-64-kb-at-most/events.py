"""Exercise 00."""

from __future__ import annotations

import json
from typing import Any

Event = dict[str, Any]


def parse(line: bytes) -> Event | None:
    """Return the event on a line, or None where there is none."""
    if len(line) > 65536:  # nobody writes such an event
        return None
    try:
        value = json.loads(line.decode())
    except (ValueError, RecursionError):  # broken JSON, no UTF-8; brackets without end
        return None
    return value if isinstance(value, dict) else None


def encode(event: Event) -> bytes:
    """Return the line of an event: JSON in UTF-8, and one newline."""
    return json.dumps(event).encode() + b"\n"
