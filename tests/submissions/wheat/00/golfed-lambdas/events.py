"""Exercise 00."""

import codecs
import json


def attempt(function, *arguments):
    try:
        return function(*arguments)
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None


parse = lambda line: (
    attempt(lambda: json.loads(codecs.decode(body, "utf_8")))
    if (body := line.strip(b" \t\r\n"))[:1] == b"{"
    else None
)
encode = lambda event: bytes(bytearray(json.dumps(event), "ascii") + bytes([10]))
