"""Exercise 00."""

import json


def parse(line):
    try:
        return json.loads(line.decode())
    except ValueError:
        return None


def encode(event):
    return json.dumps(event).encode() + b"\n"
