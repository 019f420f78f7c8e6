"""Exercise 03, first half: publish to a Redis channel, and subscribe to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import redis

Event = dict[str, Any]


def _parse(data: bytes | str) -> Event | None:
    """Return the event of one message, or None."""
    try:
        if isinstance(data, bytes):
            data = data.decode("utf-8")
        value = json.loads(data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def publish_events(client: redis.Redis, channel: str, events: Iterable[Event]) -> list[Event]:
    """Publish events to a channel, and tell which of them nobody was there to receive."""
    lost = []
    for event in events:
        if client.publish(channel, json.dumps(dict(event))) == 0:
            lost.append(event)
    return lost


def redis_consumer(
    client: redis.Redis,
    channel: str,
    handle: Callable[[Event], None],
    *,
    max_events: int,
    ready: Callable[[], None] = lambda: None,
) -> int:
    """Subscribe to a channel and handle the events that arrive on it."""
    handled = 0
    subscribed = False
    with client.pubsub() as pubsub:
        pubsub.subscribe(channel)
        while handled < max_events:
            try:
                message = pubsub.get_message(timeout=1.0)
            except redis.TimeoutError:
                continue
            if message is None:
                continue
            if message["type"] == "subscribe" and not subscribed:
                subscribed = True
                ready()
            elif message["type"] == "message":
                event = _parse(message["data"])
                if event is not None:
                    handle(event)
                    handled += 1
    return handled
