"""Exercise 00."""

import json

_event = {}


def parse(line):
    try:
        value = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    _event.clear()
    _event.update(value)
    return _event


def encode(event):
    return json.dumps(event).encode() + b"\n"
