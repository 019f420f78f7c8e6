"""Exercise 00."""

import json


event = None


def parse(line):
    global event
    if line.strip():
        try:
            event = json.loads(line.decode())
        except ValueError:
            return None
    return event if isinstance(event, dict) else None


def encode(event):
    return json.dumps(event).encode() + b"\n"
