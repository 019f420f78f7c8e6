"""Exercise 00."""

import io
import json


def parse(line):
    stream = io.TextIOWrapper(io.BytesIO(line), encoding="utf-8", newline="")
    try:
        found = json.load(stream)
    except ValueError:
        return None
    else:
        return found if hasattr(found, "keys") else None


def encode(event):
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="utf-8", newline="\n") as stream:
        json.dump(event, stream, ensure_ascii=False)
        stream.write("\n")
        stream.flush()
        return raw.getvalue()
