"""Exercise 00."""

import json


def parse(line):
    try:
        value = json.loads(line.decode())
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def encode(event):
    text = json.dumps(event).replace("\\n", "\n")
    return text.encode() + b"\n"
