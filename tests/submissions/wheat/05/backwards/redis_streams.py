"""The same promises by other requests."""

import functools
import json
from collections import ChainMap, deque

from redis.exceptions import ResponseError


def _str(value):
    return str(value, "utf-8") if isinstance(value, bytes) else str(value)


def _number(entry_id):
    return tuple(map(int, _str(entry_id).split("-")))


def _parse(fields):
    both = ChainMap(fields, {"event": None, b"event": None})
    raw = both["event"] if both["event"] is not None else both[b"event"]
    try:
        found = json.loads(raw)
    except (TypeError, ValueError):
        return None
    return found if type(found) is dict else None


def append_events(client, stream, events, *, keep=None):
    add = functools.partial(client.xadd, stream)
    if keep is not None:
        add = functools.partial(add, maxlen=keep, approximate=False)
    return list(map(_str, (add({"event": json.dumps(event)}) for event in events)))


class _Consumer:
    def __init__(self, client, stream, group, name):
        self.client, self.stream, self.group, self.name = client, stream, group, name
        self.waiting = deque()

    def join(self):
        if not self.client.exists(self.stream) or self.group not in {
            _str(each["name"]) for each in self.client.xinfo_groups(self.stream)
        }:
            try:
                self.client.xgroup_create(self.stream, self.group, 0, mkstream=True)
            except ResponseError as refused:
                if refused.args[0].split()[0] != "BUSYGROUP":
                    raise

    def claim(self, idle_ms, count):
        after = "-"
        while page := self.client.xpending_range(self.stream, self.group, after, "+", 64):
            after = "(" + _str(page[-1]["message_id"])
            old = [each for each in page if each["time_since_delivered"] >= idle_ms][:count]
            tries = {_str(each["message_id"]): each["times_delivered"] + 1 for each in old}
            if old:
                taken = self.client.xclaim(self.stream, self.group, self.name, idle_ms, list(tries))
                self.waiting.extend((i, fields, tries[_str(i)]) for i, fields in taken)
            if self.waiting:
                return True
        return False

    def read(self, wait_ms, count):
        got = self.client.xreadgroup(
            groupname=self.group,
            consumername=self.name,
            streams={self.stream: ">"},
            block=wait_ms,
            count=count,
        )
        for _, entries in got:
            self.waiting.extend((i, fields, 1) for i, fields in entries)
        return bool(got)

    def drop(self, entry_id, fields):
        (
            self.client.pipeline()
            .xadd(self.stream + ".dead", fields)
            .xack(self.stream, self.group, entry_id)
            .execute()
        )

    def done(self, entry_id):
        return self.client.xack(self.stream, self.group, entry_id)


def stream_consumer(client, stream, group, consumer, handle, *, max_events, batch_size=10,
                    idle_ms=30_000, wait_ms=1000, max_deliveries=3, max_empty_reads=5):
    me = _Consumer(client, stream, group, consumer)
    me.join()
    left, patience = max_events, max_empty_reads
    while left and patience:
        count = min(left, batch_size)
        if not me.claim(idle_ms, count):
            patience = max_empty_reads if me.read(wait_ms, count) else patience - 1
        while me.waiting:
            entry_id, fields, tries = me.waiting.popleft()
            event = _parse(fields)
            if event is None or tries > max_deliveries:
                me.drop(entry_id, fields)
            else:
                try:
                    handle(event)
                except Exception:
                    pass
                else:
                    me.done(entry_id)
                    left -= 1
    return max_events - left


def replay(client, stream, handle, *, start="-", end="+"):
    """XREAD gives what comes after an id, so it begins just before the first."""
    count = 0
    first = client.xrange(stream, start, end, count=1)
    last = client.xrevrange(stream, end, start, count=1)
    if not first:
        return 0
    if (event := _parse(first[0][1])) is not None:
        handle(event)
        count += 1
    at, stop = first[0][0], _number(last[0][0])
    while _number(at) < stop:
        ((_, page),) = client.xread({stream: at}, count=128)
        for entry_id, fields in page:
            at = entry_id
            if _number(at) > stop:
                break
            if (event := _parse(fields)) is not None:
                handle(event)
                count += 1
    return count


def lag(client, stream, group):
    for each in client.xinfo_groups(stream):
        if _str(each["name"]) == group:
            seen, before = _number(each["last-delivered-id"]), "+"
            count = int(each["pending"])
            while page := client.xrevrange(stream, before, "-", count=64):
                fresh = [i for i, _ in page if _number(i) > seen]
                count += len(fresh)
                if len(fresh) < len(page):
                    break
                before = "(" + _str(page[-1][0])
            return count
    raise LookupError(group)
