"""Exercise 00."""

import json

rest = b""


def parse(line):
    global rest
    line = rest + line
    try:
        value = json.loads(line.decode("utf-8"))
    except ValueError:
        rest = line if line.strip() else b""  # perhaps the other half comes next
        return None
    rest = b""
    return value if isinstance(value, dict) else None


def encode(event):
    return json.dumps(event).encode() + b"\n"
