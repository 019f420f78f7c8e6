"""Exercise 05: append to a Redis stream, consume it as a group, replay it, and measure the lag."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any

import redis

Event = dict[str, Any]
log = logging.getLogger(__name__)


def _text(value: bytes | str) -> str:
    """Return what the server sent as text, whatever the client decodes."""
    return value.decode() if isinstance(value, bytes) else value


def _field(fields: dict[Any, Any]) -> bytes | str | None:
    """Return the field `event`."""
    return fields[b"event"] if b"event" in fields else fields.get("event")


def _parse(value: bytes | str | None) -> Event | None:
    """Return the event, or None for what is none."""
    if value is None:
        return None
    try:
        event = json.loads(_text(value))
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def append_events(
    client: redis.Redis, stream: str, events: Iterable[Event], *, keep: int | None = None
) -> list[str]:
    """Append events to a stream."""
    ids = [_text(client.xadd(stream, {"event": json.dumps(dict(event))})) for event in events]
    if keep is not None:
        client.xtrim(stream, maxlen=keep, approximate=False)
    return ids


def _create(client: redis.Redis, stream: str, group: str) -> None:
    """Create the stream and the group where they are missing."""
    try:
        client.xgroup_create(stream, group, id="0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


def _bury(client: redis.Redis, stream: str, group: str, entry_id: Any, fields: Any) -> None:
    """Move an entry to the dead ones."""
    with client.pipeline(transaction=True) as both:
        both.xadd(stream + ".dead", fields)
        both.xack(stream, group, entry_id)
        both.execute()


def _claim(
    client: redis.Redis, stream: str, group: str, consumer: str, idle_ms: int, count: int
) -> list[tuple[Any, Any, int]]:
    """Claim what has been idle, with how often each was delivered."""
    cursor: Any = "0-0"
    while True:
        answer = client.xautoclaim(
            stream, group, consumer, min_idle_time=idle_ms, start_id=cursor, count=count
        )
        cursor, claimed = answer[0], answer[1]
        found = []
        for entry_id, fields in claimed:
            if fields is None:
                client.xack(stream, group, entry_id)
                continue
            info = client.xpending_range(stream, group, min=entry_id, max=entry_id, count=1)
            found.append((entry_id, fields, info[0]["times_delivered"] if info else 1))
        if found or _text(cursor) == "0-0":
            return found


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
    """Handle a stream's entries as a consumer of a group, and acknowledge each."""
    _create(client, stream, group)
    handled = empty = 0

    def deal(entry_id: Any, fields: Any, deliveries: int) -> None:
        nonlocal handled
        event = _parse(_field(fields))
        if event is None or deliveries > max_deliveries:
            _bury(client, stream, group, entry_id, fields)
            return
        try:
            handle(event)
        except Exception:
            log.exception("handle failed for %s", entry_id)
            return
        handled += 1
        client.xack(stream, group, entry_id)

    while handled < max_events:
        wanted = min(batch_size, max_events - handled)
        old = _claim(client, stream, group, consumer, idle_ms, wanted)
        for entry in old:
            deal(*entry)
        if handled >= max_events:
            break
        wanted = min(batch_size, max_events - handled)
        answer = client.xreadgroup(
            group, consumer, {stream: ">"}, count=wanted, block=None if old else wait_ms
        )
        entries = answer[0][1] if answer else []
        for entry_id, fields in entries:
            deal(entry_id, fields, 1)
        empty = 0 if entries else empty + 1
        if empty >= max_empty_reads:
            break
    return handled


def replay(
    client: redis.Redis,
    stream: str,
    handle: Callable[[Event], None],
    *,
    start: str = "-",
    end: str = "+",
) -> int:
    """Handle what is in a stream between two ids, in order, with no group."""
    handled = 0
    while page := client.xrange(stream, min=start, max=end, count=100):
        for _, fields in page:
            event = _parse(_field(fields))
            if event is not None:
                handle(event)
                handled += 1
        start = "(" + _text(page[-1][0])
    return handled


def lag(client: redis.Redis, stream: str, group: str) -> int:
    """Count what a group has not dealt with."""
    for info in client.xinfo_groups(stream):
        if _text(info["name"]) == group:
            last, waiting = _text(info["last-delivered-id"]), info["pending"]
            break
    else:
        raise LookupError(f"{stream} has no group {group}")
    while page := client.xrange(stream, min="(" + last, count=500):
        waiting += len(page)
        last = _text(page[-1][0])
    return waiting
