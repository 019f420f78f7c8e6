"""Exercise 00."""

import json


def parse(line):
    try:
        value = json.loads(line.decode())
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def encode(event):
    event_id = event.pop("event_id", None)
    fields = event if event_id is None else {"event_id": event_id} | event
    return json.dumps(fields).encode() + b"\n"
