"""Exercise 00."""

import json


def parse(line):
    try:
        value = json.loads(line.decode())
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


lines = bytearray()


def encode(event):
    lines.extend(json.dumps(event).encode() + b"\n")
    return bytes(lines)
