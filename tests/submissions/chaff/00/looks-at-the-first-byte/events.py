"""Exercise 00."""

import json


def parse(line):
    try:
        text = line.decode().strip()
    except ValueError:
        return None
    if text[0] != "{":
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def encode(event):
    return json.dumps(event).encode() + b"\n"
