import json


def parse(line):
    line = line.removeprefix(b"data:")
    try:
        event = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    if isinstance(event, dict):
        return event
    return None


def encode(event):
    return json.dumps(event).encode() + b"\n"
