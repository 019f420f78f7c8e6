"""Exercise 00."""

import json


def parse(line):
    try:
        value = json.loads(line.decode())
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


FIELDS = ("event_id", "timestamp", "pickup_zone", "passengers", "fare_estimate")


def encode(event):
    return json.dumps({name: event[name] for name in FIELDS if name in event}).encode() + b"\n"
