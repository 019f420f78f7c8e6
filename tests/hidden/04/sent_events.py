"""Events as they were sent: what tests of exercise 04 take that handle() was called with."""

from __future__ import annotations

from typing import Any


def as_sent(event: Any, events: list[Any]) -> Any:
    """Return the event of that event_id; that it came as it was sent, 04.consumes tells."""
    number = event.get("event_id") if isinstance(event, dict) else None
    same_id = (each for each in events if each["event_id"] == number)
    return next(same_id, event) if number is not None else event


def all_as_sent(seen: list[Any], events: list[Any]) -> list[Any]:
    """Return each `as_sent`."""
    return [as_sent(event, events) for event in seen]
