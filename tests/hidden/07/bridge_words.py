"""Sentences and values that the tests of exercise 07 share."""

from __future__ import annotations

import json
from typing import Any

from grader.suite import content
from grader.suite.steps import shorten


def read(body: bytes | str) -> Any:
    """The value of a body, or the body where it is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def line(item: Any) -> bytes:
    """An event as its line, bytes as they are."""
    return content.to_line(item)


def body_of(item: Any) -> bytes:
    """An event as a message, in UTF-8; bytes as they are."""
    return item if isinstance(item, bytes) else json.dumps(item, ensure_ascii=False).encode()


def count_of(things: list[Any] | int, noun: str) -> str:
    """A number and its noun."""
    number = things if isinstance(things, int) else len(things)
    return f"{number} {noun}{'' if number == 1 else 's'}"


def is_are(things: list[Any]) -> str:
    """The verb for so many."""
    return "is" if len(things) == 1 else "are"


def was_were(things: list[Any]) -> str:
    """The verb for so many, in the past."""
    return "was" if len(things) == 1 else "were"


def check_count(value: Any, number: int, scene: str) -> None:
    """Hold what a call returned against the number of events that it moved."""
    assert value == number, f"{scene}: it should return {number}; it returned {shorten(value)}"
