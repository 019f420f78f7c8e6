"""Exercise 00."""

import json


def parse(data):
    try:
        value = json.loads(data.decode())
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def encode(event):
    return json.dumps(event).encode() + b"\n"
