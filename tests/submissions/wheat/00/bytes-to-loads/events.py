import json


def parse(line):
    try:
        event = json.loads(line)
    except (json.JSONDecodeError, UnicodeDecodeError):
        event = None
    if not isinstance(event, dict):
        event = None
    return event


def encode(event):
    return (json.dumps(event, ensure_ascii=False) + "\n").encode("utf-8")
