"""Exercise 05, with objects."""

import json
import typing

import redis


class EntryId(str):
    """An id as text, and what comes after it."""

    __slots__ = ()

    @classmethod
    def of(cls, raw):
        return cls(raw.decode() if isinstance(raw, bytes) else raw)

    @property
    def after(self):
        return f"({self}"


class Entry(typing.NamedTuple):
    id: EntryId
    fields: dict
    tries: int = 1

    @property
    def event(self):
        for name in ("event", b"event"):
            if name in self.fields:
                try:
                    value = json.loads(self.fields[name])
                except ValueError:
                    return None
                return value if isinstance(value, dict) else None
        return None


class Log:
    page = 128

    def __init__(self, client, stream):
        self.client = client
        self.stream = stream

    def append(self, event, keep):
        options = {} if keep is None else {"maxlen": keep, "approximate": False}
        return EntryId.of(self.client.xadd(self.stream, {"event": json.dumps(event)}, **options))

    def entries(self, start="-", end="+"):
        while found := self.client.xrange(self.stream, start, end, self.page):
            for raw, fields in found:
                yield Entry(EntryId.of(raw), fields)
            start = EntryId.of(found[-1][0]).after


class Member:
    def __init__(self, log, group, name):
        self.log, self.client = log, log.client
        self.key = (log.stream, group)
        self.name = name

    def __enter__(self):
        try:
            self.client.xgroup_create(*self.key, id=0, mkstream=True)
        except redis.ResponseError as error:
            if error.args[0].split()[0] != "BUSYGROUP":
                raise
        return self

    def __exit__(self, *problem):
        return False

    def abandoned(self, idle, count):
        cursor = EntryId("0-0")
        while True:
            raw, claimed = self.client.xautoclaim(
                *self.key, self.name, idle, start_id=cursor, count=count
            )[:2]
            cursor = EntryId.of(raw)
            if claimed or cursor == "0-0":
                return [
                    Entry(EntryId.of(raw), fields, self.tries(raw)) for raw, fields in claimed
                ]

    def tries(self, raw):
        found = self.client.xpending_range(*self.key, raw, raw, 1)
        return found[0]["times_delivered"] if found else 1

    def fresh(self, wait, count):
        stream, group = self.key
        answer = self.client.xreadgroup(group, self.name, {stream: ">"}, count, wait)
        return [Entry(EntryId.of(raw), fields) for _, new in answer for raw, fields in new]

    def done(self, entry):
        self.client.xack(*self.key, entry.id)

    def give_up(self, entry):
        with self.client.pipeline() as steps:
            steps.xadd(f"{self.key[0]}.dead", entry.fields).xack(*self.key, entry.id).execute()


def append_events(client, stream, events, *, keep=None):
    log = Log(client, stream)
    ids = [log.append(event, keep) for event in events]
    if keep is not None:
        client.xtrim(stream, maxlen=keep, approximate=False)
    return ids


def stream_consumer(client, stream, group, consumer, handle, *, max_events, batch_size=10,
                    idle_ms=30_000, wait_ms=1000, max_deliveries=3, max_empty_reads=5):
    handled, silent = 0, 0
    with Member(Log(client, stream), group, consumer) as member:
        while handled < max_events and silent < max_empty_reads:
            count = min(batch_size, max_events - handled)
            entries = member.abandoned(idle_ms, count)
            if entries:
                silent = 0
            else:
                entries = member.fresh(wait_ms, count)
                silent = 0 if entries else silent + 1
            for entry in entries:
                if entry.event is None or entry.tries > max_deliveries:
                    member.give_up(entry)
                    continue
                try:
                    handle(entry.event)
                except Exception as problem:
                    print("not yet:", problem)
                    continue
                member.done(entry)
                handled += 1
    return handled


def replay(client, stream, handle, *, start="-", end="+"):
    number = 0
    for entry in Log(client, stream).entries(start, end):
        if entry.event is not None:
            handle(entry.event)
            number += 1
    return number


def lag(client, stream, group):
    log = Log(client, stream)
    for info in client.xinfo_groups(stream):
        if EntryId.of(info["name"]) == group:
            last = EntryId.of(info["last-delivered-id"])
            return len(list(log.entries(last.after))) + info["pending"]
    raise LookupError(f"no group {group}")
