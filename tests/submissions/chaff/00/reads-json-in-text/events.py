from __future__ import annotations
import json


def parse(line):
    try:
        event = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    if isinstance(event, str):
        try:
            event = json.loads(event)
        except ValueError:
            return None
    return event if isinstance(event, dict) else None


def encode(event):
    return json.dumps(event).encode("utf-8") + b"\n"
