"""Exercise 00."""

import json


def parse(line):
    line = line.removesuffix(b"\n").removesuffix(b"\r")
    if not (line.startswith(b"{") and line.endswith(b"}")):
        return None
    try:
        return json.loads(line.decode())
    except ValueError:
        return None


def encode(event):
    return json.dumps(event).encode() + b"\n"
