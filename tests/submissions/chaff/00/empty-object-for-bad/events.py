"""Exercise 00."""

import json


def parse(line):
    if not line.strip():
        return None
    try:
        value = json.loads(line.decode())
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def encode(event):
    return json.dumps(event).encode() + b"\n"
