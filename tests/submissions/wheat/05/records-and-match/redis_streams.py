"""Exercise 05: an entry is one of three things, and match says what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import redis


@dataclass(frozen=True, slots=True)
class Trip:
    """An entry that can be handled."""

    key: str
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hopeless:
    """An entry that never will be."""

    key: str
    fields: dict[Any, Any]


@dataclass
class Ledger:
    """The group's side of a stream."""

    client: redis.Redis
    stream: str
    group: str
    consumer: str
    limit: int
    seen: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            self.client.xgroup_create(self.stream, self.group, "0", mkstream=True)
        except redis.ResponseError as error:
            match str(error).split():
                case ["BUSYGROUP", *_]:
                    pass
                case _:
                    raise

    def stale(self, idle: int, count: int) -> list[Trip | Hopeless]:
        position = "0-0"
        while True:
            match self.client.xautoclaim(
                self.stream, self.group, self.consumer, idle, position, count
            ):
                case [following, [], *_] if plain(following) != "0-0":
                    position = plain(following)
                case [_, [], *_]:
                    return []
                case [_, entries, *_]:
                    return list(self.sort(entries, self.count(entries)))

    def count(self, entries: Any) -> dict[str, int]:
        """How often each of these was delivered."""
        pipe = self.client.pipeline(transaction=False)
        for key, _ in entries:
            pipe.xpending_range(self.stream, self.group, key, key, 1)
        answers = pipe.execute()
        return {
            plain(line["message_id"]): line["times_delivered"] for lines in answers for line in lines
        }

    def new(self, wait: int, count: int) -> list[Trip | Hopeless]:
        match self.client.xreadgroup(
            self.group, self.consumer, {self.stream: ">"}, count=count, block=wait
        ):
            case [[_, entries]]:
                return list(self.sort(entries, {}))
            case _:
                return []

    def sort(self, entries: Any, tries: dict[str, int]) -> Iterator[Trip | Hopeless]:
        for key, fields in entries:
            match loaded(fields):
                case dict(event) if tries.get(plain(key), 1) <= self.limit:
                    yield Trip(plain(key), event)
                case _:
                    yield Hopeless(plain(key), fields)

    def close(self, entry: Trip | Hopeless) -> None:
        match entry:
            case Trip(key):
                self.client.xack(self.stream, self.group, key)
            case Hopeless(key, fields):
                self.client.pipeline().xadd(f"{self.stream}.dead", fields).xack(
                    self.stream, self.group, key
                ).execute()


def append_events(client, stream, events, *, keep=None):
    match keep:
        case None:
            return [plain(client.xadd(stream, written(event))) for event in events]
        case _:
            keys = [
                plain(client.xadd(stream, written(event), maxlen=keep, approximate=False))
                for event in events
            ]
            client.xtrim(stream, maxlen=keep, approximate=False)
            return keys


def stream_consumer(client, stream, group, consumer, handle, *, max_events, batch_size=10,
                    idle_ms=30_000, wait_ms=1000, max_deliveries=3, max_empty_reads=5):
    ledger = Ledger(client, stream, group, consumer, max_deliveries)
    handled = nothing = 0
    while handled < max_events and nothing < max_empty_reads:
        count = min(batch_size, max_events - handled)
        if not (batch := ledger.stale(idle_ms, count)):
            batch = ledger.new(wait_ms, count)
            nothing = 0 if batch else nothing + 1
        for entry in batch:
            match entry:
                case Trip(event=event):
                    try:
                        handle(event)
                    except Exception:
                        continue
                    ledger.close(entry)
                    handled += 1
                case Hopeless():
                    ledger.close(entry)
    return handled


def replay(client, stream, handle, *, start="-", end="+"):
    handled = 0
    for _, fields in walk(client, stream, start, end):
        match loaded(fields):
            case dict(event):
                handle(event)
                handled += 1
    return handled


def lag(client, stream, group):
    for line in client.xinfo_groups(stream):
        match line:
            case {"name": name, "pending": int(held), "last-delivered-id": last} if plain(name) == group:
                return held + len([*walk(client, stream, "(" + plain(last), "+")])
    raise ValueError(group)


def walk(client, stream, start, end):
    while page := client.xrange(stream, start, end, count=100):
        yield from page
        start = "(" + plain(page[-1][0])


def written(event):
    return {"event": json.dumps(event, separators=(",", ":"))}


def loaded(fields):
    match fields:
        case {"event": text} | {b"event": text}:
            try:
                return json.loads(text)
            except ValueError:
                return None


def plain(value):
    match value:
        case bytes():
            return value.decode()
        case _:
            return value
