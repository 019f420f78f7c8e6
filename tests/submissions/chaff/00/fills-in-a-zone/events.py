from __future__ import annotations
import json


def parse(line):
    try:
        event = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def encode(event):
    event.pop("_raw", None)
    event["pickup_zone"] = str(event.get("pickup_zone", "")).strip()
    return json.dumps(event).encode("utf-8") + b"\n"
