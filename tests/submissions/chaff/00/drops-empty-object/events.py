"""Exercise 00."""

import json


def parse(line):
    try:
        event = json.loads(line.decode())
    except ValueError:
        return None
    if not event or not isinstance(event, dict):
        return None
    return event


def encode(event):
    return json.dumps(event).encode() + b"\n"
