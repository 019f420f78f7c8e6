"""Exercise 00."""

import json


def parse(line):
    try:
        lines = line.decode().splitlines()
        event = json.loads(lines[0]) if lines else None
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def encode(event):
    return json.dumps(event).encode() + b"\n"
