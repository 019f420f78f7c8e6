"""What both halves of exercise 03 say of events and messages in a sentence."""

from __future__ import annotations

from typing import Any

from grader.suite import content
from grader.suite.steps import cut, shorten

# Seconds until a broker must show what was done; only a wrong submission waits so long.
PATIENCE = 5.0


def these(events: list[Any], everything: list[Any]) -> str:
    """Events by their place in what was published, for a sentence."""
    return content.these(events, everything, "had not been published")


def how_it_looks(event: Any) -> str:
    """What tells an event of an odd kind; nothing for a trip, which its number tells."""
    usual = isinstance(event, dict) and "fare_estimate" in event
    return "" if usual else f" ({shorten(event, 60)})"


def difference(body: bytes, event: dict[str, Any]) -> str:
    """Where a message is not the JSON of an event: the first field, or how it begins."""
    got = content.value_of(body)
    for name, value in event.items() if isinstance(got, dict) else ():
        if name not in got:
            return f"lacks the field {shorten(name)}"
        if got[name] != value:
            return f"has {shorten(name)}: {cut(got[name])} for {cut(value)}"
    return f"is {cut(body, 60)}"
