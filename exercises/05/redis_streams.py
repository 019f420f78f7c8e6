"""Exercise 05: append to a Redis stream, consume it as a group, replay it, and measure the lag.

The lesson is in README.md beside this file. Check your work with `pytest exercises/05`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import redis

Event = dict[str, Any]


def append_events(
    client: redis.Redis, stream: str, events: Iterable[Event], *, keep: int | None = None
) -> list[str]:
    """Append events to a stream.

    Args:
        client: A connected client, with `decode_responses` on or off. Leave it open.
        stream: The stream's name. The stream need not exist yet.
        events: Dicts. Add an entry for each, in this order, with the event as JSON in its field
            `event`.
        keep: With a number, the stream then holds exactly its newest `keep` entries, not about as
            many. Without one nothing is removed.

    Returns:
        The ids of the entries, in order, as `str`.
    """
    raise NotImplementedError("call client.xadd for each event, and return the ids")


def stream_consumer(
    client: redis.Redis,
    stream: str,
    group: str,
    consumer: str,
    handle: Callable[[Event], None],
    *,
    max_events: int,
    batch_size: int = 10,
    idle_ms: int = 30_000,
    wait_ms: int = 1000,
    max_deliveries: int = 3,
    max_empty_reads: int = 5,
) -> int:
    """Handle a stream's entries as a consumer of a group, and acknowledge each when it is handled.

    Stream and group are created where they are missing, the group from the first entry on. What
    has been pending for `idle_ms` or longer, with another consumer or with this one, is claimed
    and handled; then comes what is new.

    Args:
        client: A connected client, with `decode_responses` on or off. Leave it open.
        stream: The stream's name.
        group: The group's name. Every group gets all entries; the consumers of one share them.
        consumer: This consumer's name in the group.
        handle: Called with each event. When it returns, the entry is acknowledged. When it raises
            an `Exception`, the entry stays pending, and is claimed again once it has been idle for
            `idle_ms`; you go on with the next one.
        max_events: Return after that many events were handled. Entries beyond them are delivered
            to nobody.
        batch_size: How many entries one command asks for at most.
        idle_ms: How long an entry must have been pending, in milliseconds, before it is claimed.
            What another consumer has held for less is left to it.
        wait_ms: How long each read of what is new waits on the server's side, in milliseconds; 1
            or more.
        max_deliveries: How often an entry is delivered at most, as the server counts. One that
            was delivered that many times without success is moved to the stream
            `stream + ".dead"` instead of being handled again.
        max_empty_reads: Return after that many reads in a row that brought nothing. A read with
            entries starts the count anew, whatever became of them.

    Returns:
        How many events were handled.

    A bad entry (its field `event` is not a JSON object, or is missing) is moved to
    `stream + ".dead"` at once. An entry that is moved there keeps its fields; killed between any
    two commands, it is pending or in `.dead`, never in neither. A pending entry that was trimmed
    out of the stream is passed over.
    """
    raise NotImplementedError("create the group; then claim, read, handle, acknowledge, in a loop")


def replay(
    client: redis.Redis,
    stream: str,
    handle: Callable[[Event], None],
    *,
    start: str = "-",
    end: str = "+",
) -> int:
    """Handle what is in a stream between two ids, both included, in order, with no group.

    Args:
        client: A connected client, with `decode_responses` on or off. Leave it open.
        stream: The stream's name.
        handle: Called with each event. What it raises leaves this function unchanged.
        start: The first id; `-` is the first of the stream.
        end: The last id; `+` is the last of the stream.

    Returns:
        How many events were handled. A bad entry is skipped.

    However long the stream is, read it a page at a time. Nothing in the stream or in a group
    changes.
    """
    raise NotImplementedError("call client.xrange for a page, then for the next one")


def lag(client: redis.Redis, stream: str, group: str) -> int:
    """Count what a group has not dealt with.

    Args:
        client: A connected client, with `decode_responses` on or off. Leave it open.
        stream: The stream's name.
        group: The name of a group of this stream.

    Returns:
        How many entries of the stream were not delivered to the group yet, plus how many are
        pending. Also where the server itself does not know: XINFO's `lag` is then nil, `None` in
        Python.
    """
    raise NotImplementedError("look at client.xinfo_groups, and count where it does not know")
