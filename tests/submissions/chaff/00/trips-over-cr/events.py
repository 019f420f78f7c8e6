"""Exercise 00."""

import json
import re


EVENT = re.compile(r"(\{.*\})\n?", re.DOTALL)


def parse(line):
    try:
        match = EVENT.fullmatch(line.decode().lstrip(" "))
        value = json.loads(match[1]) if match else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def encode(event):
    return json.dumps(event).encode() + b"\n"
