"""Exercise 00."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpers import NoEvent, read, write


def parse(line: bytes) -> Mapping[str, Any] | None:
    try:
        return read(line)
    except NoEvent:
        return None


def encode(event: Mapping[str, Any]) -> bytes:
    return write(event) + b"\n"


if __name__ == "__main__":
    print(parse(encode({"pickup_zone": "Queens"})))
