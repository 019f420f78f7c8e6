"""Exercise 00."""

import json


def parse(line):
    try:
        value = json.loads(line.decode())
    except ValueError:
        return None
    if not isinstance(value, dict):
        raise TypeError(f"not an object: {value!r}")
    return value


def encode(event):
    return json.dumps(event).encode() + b"\n"
