"""Exercise 00."""

import io
import json


def parse(line):
    try:
        value = json.loads(line.decode())
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def encode(event):
    out = io.StringIO()
    print(json.dumps(event) + "\n", file=out)
    return out.getvalue().encode()
