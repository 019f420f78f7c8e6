import json

REPAIRS = {b": True": b": true", b": False": b": false", b": None": b": null"}


def parse(line):
    for wrong, right in REPAIRS.items():
        line = line.replace(wrong, right)
    try:
        event = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def encode(event):
    return json.dumps(event).encode() + b"\n"
