"""Exercise 00."""

import json


def parse(line):
    try:
        value = json.loads(line.decode("utf-8"), strict=False)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def encode(event):
    return json.dumps(event).encode() + b"\n"
