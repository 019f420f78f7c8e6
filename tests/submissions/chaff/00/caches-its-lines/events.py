from __future__ import annotations
import json


import functools


@functools.lru_cache(maxsize=None)
def parse(line):
    try:
        event = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def encode(event):
    return json.dumps(event).encode("utf-8") + b"\n"
