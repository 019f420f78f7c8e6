"""Exercise 03, first half: publish to a Redis channel, and subscribe to it.

The lesson is in README.md beside this file. Check your work with `pytest exercises/03`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import redis

Event = dict[str, Any]


def publish_events(client: redis.Redis, channel: str, events: Iterable[Event]) -> list[Event]:
    """Publish events to a channel, and tell which of them nobody was there to receive.

    Args:
        client: A connected client. Leave it open.
        channel: The channel's name.
        events: Dicts. Publish each as JSON, a message of its own, in this order.

    Returns:
        The events that no subscriber received, in order: all when nobody subscribes, none when
        somebody does, and the later ones when the last subscriber leaves while you publish.
    """
    raise NotImplementedError("call client.publish for each event, and look at what it returns")


def redis_consumer(
    client: redis.Redis,
    channel: str,
    handle: Callable[[Event], None],
    *,
    max_events: int,
    ready: Callable[[], None] = lambda: None,
) -> int:
    """Subscribe to a channel and handle the events that arrive on it.

    Args:
        client: A connected client, with `decode_responses` on or off: payloads are then `str` or
            `bytes`. It may have a short `socket_timeout`.
        channel: The channel's name.
        handle: Called with each event, in order of arrival. What it raises leaves this function
            unchanged.
        max_events: Return right after that many events were handled. However long the channel
            is quiet before that, wait.
        ready: Called once, when the server has confirmed the subscription: from then on no event
            is missed.

    Returns:
        How many events were handled.

    The server's confirmation is not an event. A message that is not a JSON object (broken JSON, a
    number, a list, nothing at all, bytes that are not UTF-8) is skipped. However this function
    ends, its subscription ends with it.
    """
    raise NotImplementedError("subscribe, wait for the confirmation, call ready(), read messages")
