"""Exercise 00."""

import json


seen = set()


def parse(line):
    if line in seen:
        return None
    try:
        value = json.loads(line.decode())
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    seen.add(line)
    return value


def encode(event):
    return json.dumps(event).encode() + b"\n"
