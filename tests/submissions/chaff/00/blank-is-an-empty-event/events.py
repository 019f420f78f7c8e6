"""Exercise 00."""

import json


def parse(line):
    event = {}
    if line.strip():
        try:
            event = json.loads(line.decode())
        except ValueError:
            return None
    return event if isinstance(event, dict) else None


def encode(event):
    return json.dumps(event).encode() + b"\n"
