from __future__ import annotations
import html
import json


def parse(line):
    try:
        event = json.loads(html.unescape(line.decode("utf-8")))
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def encode(event):
    return json.dumps(event).encode("utf-8") + b"\n"
