"""Exercise 00."""

import json


def parse(line):
    line = line.strip()
    if len(line) == 0:
        print("a blank line")
        return None
    try:
        text = str(line, "utf-8")
    except UnicodeDecodeError as error:
        print("not UTF-8:", error)
        return None
    try:
        event = json.loads(text)
    except json.JSONDecodeError as error:
        print("not JSON:", error)
        return None
    if type(event) != dict:
        print("not an object:", event)
        return None
    return event


def encode(event):
    text = json.dumps(event)
    text = text + "\n"
    return bytes(text, "utf-8")
