"""Exercise 05, solved: append to a Redis stream, consume as a group, replay, measure the lag."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import redis

Event = dict[str, Any]
Text = str | bytes  # what a client returns: str with decode_responses, bytes without
Fields = dict[Any, Any]

_PAGE = 100


def append_events(
    client: redis.Redis, stream: str, events: Iterable[Event], *, keep: int | None = None
) -> list[str]:
    """Append an entry for each event, and return the ids."""
    ids = []
    for event in events:
        fields: Fields = {"event": json.dumps(event)}
        ids.append(_text(client.xadd(stream, fields, maxlen=keep, approximate=False)))
    if keep is not None and not ids:
        client.xtrim(stream, maxlen=keep, approximate=False)
    return ids


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
    """Handle what others left, then what is new, acknowledge it, and return how many it were."""
    membership = _Membership(client, stream, group, consumer)
    membership.begin()
    handled = empty = 0
    while handled < max_events and empty < max_empty_reads:
        count = min(batch_size, max_events - handled)
        entries = membership.claim(idle_ms, count)
        if not entries:
            entries = membership.read(wait_ms, count)
            empty = 0 if entries else empty + 1
        for entry in entries:
            event = _event(entry.fields)
            if event is None or entry.deliveries > max_deliveries:
                membership.bury(entry)
                continue
            try:
                handle(event)
            except Exception:  # noqa: BLE001, S112 - it stays pending, and is claimed again
                continue
            membership.acknowledge(entry)
            handled += 1
    return handled


def replay(
    client: redis.Redis,
    stream: str,
    handle: Callable[[Event], None],
    *,
    start: str = "-",
    end: str = "+",
) -> int:
    """Handle the events between two ids, and return how many they were."""
    handled = 0
    for _, fields in _entries(client, stream, start, end):
        event = _event(fields)
        if event is None:
            client.xadd(f"{stream}.dead", fields)
            continue
        handle(event)
        handled += 1
    return handled


def lag(client: redis.Redis, stream: str, group: str) -> int:
    """Count the entries after the last that was delivered, and those that are pending."""
    for found in client.xinfo_groups(stream):
        if _text(found["name"]) == group:
            # Not XINFO's own lag: after XDEL it may be nil, and servers such as Redis 7.0 and
            # Valkey 9.1 also count what was trimmed away before the group got it.
            last = _text(found["last-delivered-id"])
            return sum(1 for _ in _entries(client, stream, f"({last}", "+")) + int(found["pending"])
    raise ValueError(f"the stream {stream} has no group {group}")


@dataclass(frozen=True)
class _Entry:
    """What was delivered to this consumer, and how often it was delivered by now."""

    id: Text
    fields: Fields
    deliveries: int


@dataclass(frozen=True)
class _Membership:
    """What one consumer of a group may do."""

    client: redis.Redis
    stream: str
    group: str
    consumer: str

    def begin(self) -> None:
        """Create stream and group where they are missing."""
        try:
            self.client.xgroup_create(self.stream, self.group, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):  # it exists, and that is fine
                raise

    def claim(self, idle_ms: int, count: int) -> list[_Entry]:
        """Take over what has been pending for long, of whichever consumer."""
        start: Text = "0-0"
        while True:
            # One call looks at some of what is pending. Where it found nothing, its cursor says
            # where the next one goes on; 0-0 is the end. What was trimmed away it drops itself.
            start, found, *_ = self.client.xautoclaim(
                self.stream, self.group, self.consumer, idle_ms, start_id=start, count=count
            )
            if found or _text(start) == "0-0":
                return [
                    _Entry(entry_id, fields, int(pending["times_delivered"]))
                    for entry_id, fields in found
                    for pending in self.client.xpending_range(
                        self.stream, self.group, min=entry_id, max=entry_id, count=1
                    )
                ]

    def read(self, wait_ms: int, count: int) -> list[_Entry]:
        """Wait for what was delivered to nobody yet."""
        answer: Any = self.client.xreadgroup(
            self.group, self.consumer, {self.stream: ">"}, count=count, block=wait_ms
        )
        return [_Entry(entry_id, fields, 1) for _, found in answer for entry_id, fields in found]

    def acknowledge(self, entry: _Entry) -> None:
        """Tell the server that an entry is done."""
        self.client.xack(self.stream, self.group, entry.id)

    def bury(self, entry: _Entry) -> None:
        """Move an entry to the dead ones, in a transaction: both commands take effect, or none."""
        with self.client.pipeline(transaction=True) as pipeline:
            pipeline.xadd(f"{self.stream}.dead", entry.fields)
            pipeline.xack(self.stream, self.group, entry.id)
            pipeline.execute()


def _entries(client: Any, stream: str, start: str, end: str) -> Iterator[tuple[Text, Fields]]:
    """Yield the entries between two ids, with one page of them at a time in memory."""
    while page := client.xrange(stream, min=start, max=end, count=_PAGE):
        yield from page
        start = f"({_text(page[-1][0])}"  # after this id


def _event(fields: Fields) -> Event | None:
    try:
        event = json.loads(fields.get("event") or fields.get(b"event") or b"")
    except ValueError:  # broken JSON, and bytes that are not UTF-8
        return None
    return event if isinstance(event, dict) else None


def _text(value: Text) -> str:
    return value.decode() if isinstance(value, bytes) else value
