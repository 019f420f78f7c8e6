"""Exercise 00."""

import json


def parse(line):
    if not line.strip():
        return None
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return None
    value = json.loads(text)
    return value if isinstance(value, dict) else None


def encode(event):
    return json.dumps(event).encode() + b"\n"
