"""Exercise 00."""

import json


def parse(line):
    try:
        value = json.loads(line.decode())
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def encode(event):
    fields = {k: round(v, 2) if isinstance(v, float) else v for k, v in event.items()}
    return json.dumps(fields).encode() + b"\n"
