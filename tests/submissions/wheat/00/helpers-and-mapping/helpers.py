"""What reads and writes JSON."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from typing import Any


class NoEvent(Exception):
    """There is no event on the line."""


def read(line: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(str(line, encoding="utf-8"))
    except ValueError as error:
        raise NoEvent(str(error)) from error
    if not isinstance(found, dict):
        raise NoEvent(f"JSON of type {type(found).__name__}")
    return types.MappingProxyType(found)


def write(event: Mapping[str, Any]) -> bytes:
    return json.dumps(dict(event), allow_nan=False).encode("utf-8")
