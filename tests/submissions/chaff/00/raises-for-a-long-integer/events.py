"""Exercise 00."""

from __future__ import annotations

import json
from typing import Any

Event = dict[str, Any]


def parse(line: bytes) -> Event | None:
    """Return the event on a line, or None where there is none."""
    try:
        value = json.loads(line.decode())
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def encode(event: Event) -> bytes:
    """Return the line of an event: JSON in UTF-8, and one newline."""
    return json.dumps(event).encode() + b"\n"
