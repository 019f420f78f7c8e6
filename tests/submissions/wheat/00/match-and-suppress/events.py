"""Exercise 00."""

import json
from contextlib import suppress

COMPACT = {"ensure_ascii": False, "separators": (",", ":")}


def parse(line: bytes) -> dict | None:
    with suppress(Exception):
        match json.loads(line.decode("utf-8", "strict")):
            case dict() as event:
                return event
    return None


def encode(event: dict) -> bytes:
    return f"{json.dumps(event, **COMPACT)}\n".encode()
