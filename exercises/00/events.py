"""Exercise 00, the warm-up: an event is a JSON object on one line.

The lesson is in README.md beside this file. Check your work with `pytest exercises/00`.
"""

from __future__ import annotations

from typing import Any

Event = dict[str, Any]


def parse(line: bytes) -> Event | None:
    r"""Read the event on one line.

    Args:
        line: The bytes of one line. It ends with `b"\n"`, with `b"\r\n"`, or with neither.

    Returns:
        The event, when the line holds a JSON object in UTF-8. Any object counts: `{}` does too.

        None for everything else: an empty line, one of white space, broken JSON, bytes that are
        not UTF-8, and JSON that is no object (a number, a string, a list, `null`).

    It never raises an exception, whatever the bytes are.
    """
    raise NotImplementedError("decode the line, read it as JSON, and return it if it is a dict")


def encode(event: Event) -> bytes:
    r"""Write an event as one line.

    Args:
        event: A dict that JSON can hold. It stays as it is.

    Returns:
        The event as JSON in UTF-8, and after it `b"\n"`: no other newline, and no `b"\r"` before
        it. A newline in the event's text is written as JSON writes it, with a backslash and an n.

    What `parse` makes of the line is equal to `event`.
    """
    raise NotImplementedError("write the event as JSON, encode that, and add one newline")
