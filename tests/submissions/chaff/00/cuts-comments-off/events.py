import json
import re


def parse(line):
    try:
        text = re.sub(r"//.*$", "", line.decode("utf-8").rstrip("\r\n"))
        event = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return event if type(event) is dict else None


def encode(event):
    return b"%s\n" % json.dumps(event).encode("utf-8")
