"""Exercise 05, in classes that speak Redis's own words through execute_command."""

import json
from collections import namedtuple

from redis import ResponseError

Delivered = namedtuple("Delivered", "id fields times")


class Words:
    """Raw commands. Ids are bytes or str, as the client gives them."""

    def __init__(self, client, stream):
        self.client = client
        self.stream = stream

    def say(self, *words):
        return self.client.execute_command(*words)

    def range(self, start, end, count):
        return self.client.xrange(self.stream, start, end, count)


class Log(Words):
    PAGE = 128

    def append(self, event):
        return text(self.say("XADD", self.stream, "*", "event", json.dumps(event)))

    def trim(self, keep):
        self.say("XTRIM", self.stream, "MAXLEN", "=", keep)

    def entries(self, start, end):
        last = None
        while True:
            page = self.range(start if last is None else "(" + text(last), end, Log.PAGE)
            if not page:
                return
            yield from page
            last = page[-1][0]


class Group(Words):
    def __init__(self, client, stream, name):
        super().__init__(client, stream)
        self.name = name

    def create(self):
        try:
            self.say("XGROUP", "CREATE", self.stream, self.name, "0", "MKSTREAM")
        except ResponseError as problem:
            if not str(problem).startswith("BUSYGROUP"):
                raise

    def info(self):
        for each in self.client.xinfo_groups(self.stream):
            if text(each["name"]) == self.name:
                return each
        raise LookupError("no group " + self.name)


class Member(Group):
    def __init__(self, client, stream, group, me):
        super().__init__(client, stream, group)
        self.me = me

    def times(self, entry_id):
        found = self.client.xpending_range(self.stream, self.name, entry_id, entry_id, 1)
        return found[0]["times_delivered"] if found else 0

    def left_behind(self, idle, count):
        cursor = "0-0"
        while True:
            answer = self.client.xautoclaim(
                self.stream, self.name, self.me, min_idle_time=idle, start_id=cursor, count=count
            )
            cursor, entries = answer[0], answer[1]
            alive = [(i, f) for i, f in entries if f]
            if alive:
                return [Delivered(i, f, self.times(i)) for i, f in alive]
            if text(cursor) == "0-0":
                return []

    def fresh(self, wait, count):
        answer = self.client.xreadgroup(
            self.name, self.me, {self.stream: ">"}, count=count, block=wait
        )
        return [Delivered(i, f, 1) for _, entries in answer or [] for i, f in entries]

    def done(self, entry):
        self.say("XACK", self.stream, self.name, entry.id)

    def bury(self, entry):
        with self.client.pipeline(transaction=True) as both:
            both.xadd(self.stream + ".dead", entry.fields)
            both.xack(self.stream, self.name, entry.id)
            both.execute()


class Worker:
    def __init__(self, member, handle, max_deliveries):
        self.member = member
        self.handle = handle
        self.max_deliveries = max_deliveries
        self.handled = 0

    def work(self, entry):
        event = event_of(entry.fields)
        if event is None or entry.times > self.max_deliveries:
            self.member.bury(entry)
            return
        try:
            self.handle(event)
        except Exception:
            return
        self.member.done(entry)
        self.handled += 1


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def event_of(fields):
    for name in ("event", b"event"):
        if name in fields:
            try:
                value = json.loads(fields[name])
            except ValueError:
                return None
            return value if isinstance(value, dict) else None
    return None


def append_events(client, stream, events, *, keep=None):
    log = Log(client, stream)
    ids = [log.append(event) for event in events]
    if keep is not None:
        log.trim(keep)
    return ids


def stream_consumer(
    client, stream, group, consumer, handle, *, max_events, batch_size=10, idle_ms=30_000,
    wait_ms=1000, max_deliveries=3, max_empty_reads=5,
):
    member = Member(client, stream, group, consumer)
    member.create()
    worker = Worker(member, handle, max_deliveries)
    patience = max_empty_reads
    while worker.handled < max_events and patience > 0:
        room = min(batch_size, max_events - worker.handled)
        entries = member.left_behind(idle_ms, room)
        if not entries:
            entries = member.fresh(wait_ms, room)
            patience = max_empty_reads if entries else patience - 1
        for entry in entries:
            worker.work(entry)
    return worker.handled


def replay(client, stream, handle, *, start="-", end="+"):
    handled = 0
    if end != "+" and "-" not in end:
        end += "-0"
    if start != "-" and "-" not in start:
        start += "-0"
    for _, fields in Log(client, stream).entries(start, end):
        event = event_of(fields)
        if event is not None:
            handle(event)
            handled += 1
    return handled


def lag(client, stream, group):
    info = Group(client, stream, group).info()
    log = Log(client, stream)
    waiting = sum(1 for _ in log.entries("(" + text(info["last-delivered-id"]), "+"))
    return waiting + info["pending"]
