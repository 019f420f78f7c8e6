"""Exercise 00."""

import ast
import json


def parse(line):
    try:
        event = ast.literal_eval(line.decode().strip())
    except (ValueError, SyntaxError, TypeError):
        return None
    return event if isinstance(event, dict) else None


def encode(event):
    return json.dumps(event).encode() + b"\n"
