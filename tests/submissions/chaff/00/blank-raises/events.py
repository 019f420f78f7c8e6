"""Exercise 00."""

import json


def parse(line):
    if not line.strip():
        raise ValueError("an empty line")
    try:
        value = json.loads(line.decode())
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def encode(event):
    return json.dumps(event).encode() + b"\n"
