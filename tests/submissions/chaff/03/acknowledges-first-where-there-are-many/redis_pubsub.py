"""Exercise 03, solved, first half: publish to a Redis channel, and subscribe to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import redis

Event = dict[str, Any]

# Seconds that one look at the connection may take; a quiet channel is looked at again. A wait
# without an end would be cut off by the client's socket_timeout in versions before 8.
_LOOK = 1.0


def publish_events(client: redis.Redis, channel: str, events: Iterable[Event]) -> list[Event]:
    """Publish each event; those that nobody received."""
    return [event for event in events if client.publish(channel, json.dumps(event)) == 0]


def redis_consumer(
    client: redis.Redis,
    channel: str,
    handle: Callable[[Event], None],
    *,
    max_events: int,
    ready: Callable[[], None] = lambda: None,
) -> int:
    """Handle what arrives on `channel` until `max_events`, and return how many that were."""
    handled = 0
    # Leaving the block ends the subscription, on every way out.
    with client.pubsub() as pubsub:  # type: ignore[no-untyped-call]  # redis-py has no type for it
        pubsub.subscribe(channel)
        while pubsub.get_message(timeout=_LOOK) is None:
            pass  # the first message is the server's confirmation
        ready()
        while handled < max_events:
            message = pubsub.get_message(ignore_subscribe_messages=True, timeout=_LOOK)
            if message is None:
                continue
            event = _event(message["data"])
            if event is not None:
                handle(event)
                handled += 1
    return handled


def _event(data: str | bytes) -> Event | None:
    try:
        event = json.loads(data)
    except ValueError:  # broken JSON, and bytes that are not UTF-8
        return None
    return event if isinstance(event, dict) else None
