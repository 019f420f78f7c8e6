"""Exercise 05 with XPENDING and XCLAIM."""

from __future__ import annotations

import json
from itertools import islice

import redis

DEAD = ".dead"


def append_events(client, stream, events, *, keep=None):
    rest = iter(events)
    ids = []
    while some := list(islice(rest, 50)):
        with client.pipeline(transaction=False) as pipe:
            for event in some:
                pipe.xadd(stream, {"event": json.dumps(event).encode()})
            ids.extend(pipe.execute())
    if keep is not None:
        client.xtrim(stream, maxlen=keep, approximate=False)
    return [entry_id if type(entry_id) is str else str(entry_id, "ascii") for entry_id in ids]


def stream_consumer(
    client, stream, group, consumer, handle, *, max_events, batch_size=10, idle_ms=30_000,
    wait_ms=1000, max_deliveries=3, max_empty_reads=5,
):
    join(client, stream, group)
    good = 0
    misses = 0
    while good < max_events and misses < max_empty_reads:
        room = min(batch_size, max_events - good)
        taken = take_over(client, stream, group, consumer, idle_ms, room, max_deliveries)
        if taken is None:
            answer = client.xreadgroup(
                groupname=group, consumername=consumer, streams={stream: ">"}, count=room, block=wait_ms
            )
            taken = answer[0][1] if answer else []
            misses = 0 if taken else misses + 1
        for entry_id, fields in taken:
            try:
                event = decode(fields)
            except ValueError:
                bury(client, stream, group, entry_id, fields)
                continue
            try:
                handle(event)
            except Exception:
                pass
            else:
                client.xack(stream, group, entry_id)
                good += 1
    return good


def join(client, stream, group):
    known = []
    if client.exists(stream):
        known = [each["name"] for each in client.xinfo_groups(stream)]
    if group in known or group.encode() in known:
        return
    try:
        client.xgroup_create(stream, group, id="0", mkstream=True)
    except redis.exceptions.ResponseError as error:  # somebody was quicker
        if "already exists" not in str(error):
            raise


def take_over(client, stream, group, consumer, idle_ms, room, max_deliveries):
    """Entries that nobody has touched for long; None where there is no such entry."""
    old = client.xpending_range(stream, group, "-", "+", room, idle=idle_ms)
    if not old:
        return None
    tries = {each["message_id"]: each["times_delivered"] for each in old}
    alive = []
    for entry_id, fields in client.xclaim(stream, group, consumer, idle_ms, list(tries)):
        if tries[entry_id] < max_deliveries:
            alive.append((entry_id, fields))
        else:
            bury(client, stream, group, entry_id, fields)
    return alive


def bury(client, stream, group, entry_id, fields):
    def both(pipe):
        pipe.multi()
        pipe.xadd(stream + DEAD, fields)
        pipe.xack(stream, group, entry_id)

    client.transaction(both)


def decode(fields):
    raw = fields.get("event") or fields.get(b"event")
    if raw is None:
        raise ValueError("no event")
    event = json.loads(raw)
    if not isinstance(event, dict):
        raise ValueError("no object")
    return event


def replay(client, stream, handle, *, start="-", end="+"):
    page_start, total = start, 0
    while True:
        page = client.xrange(stream, page_start, end, count=200)
        for _, fields in page:
            try:
                event = decode(fields)
            except ValueError:
                continue
            handle(event)
            total += 1
        if len(page) < 200:
            return total
        last = page[-1][0]
        page_start = "(" + (last if isinstance(last, str) else last.decode())


def lag(client, stream, group):
    """The server's number where it has one, else counted; a trim makes the server's too high."""
    (info,) = [each for each in client.xinfo_groups(stream) if each["name"] in (group, group.encode())]
    undelivered = info.get("lag")
    if undelivered is None:
        last = info["last-delivered-id"]
        last = last if isinstance(last, str) else last.decode()
        undelivered = len(client.xrange(stream, "(" + last))
    return min(undelivered, client.xlen(stream)) + info["pending"]
