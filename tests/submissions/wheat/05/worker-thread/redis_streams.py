"""Exercise 05: a pool of one thread handles, this one asks and acknowledges."""

import concurrent.futures
import functools
import json

import redis


def text(raw):
    return raw if isinstance(raw, str) else raw.decode()


def append_events(client, stream, events, *, keep=None):
    xadd = functools.partial(client.xadd, stream)
    if keep is not None:
        xadd = functools.partial(xadd, maxlen=keep, approximate=False)
    ids = [text(xadd({b"event": json.dumps(event).encode()})) for event in events]
    if keep is not None and not ids:
        client.xtrim(stream, maxlen=keep, approximate=False)
    return ids


def stream_consumer(client, stream, group, consumer, handle, *, max_events, batch_size=10,
                    idle_ms=30_000, wait_ms=1000, max_deliveries=3, max_empty_reads=5):
    try:
        client.xgroup_create(stream, group, id="0", mkstream=True)
    except redis.ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise
    handled = empty = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
        while handled < max_events and empty < max_empty_reads:
            room = min(batch_size, max_events - handled)
            batch = left_behind(client, stream, group, consumer, idle_ms, room)
            if not batch:
                answer = client.xreadgroup(group, consumer, {stream: ">"}, room, wait_ms)
                batch = answer[0][1] if answer else ()
                empty = 0 if batch else empty + 1
            for entry_id, fields in batch:
                event = event_of(fields)
                if event is None or worn_out(client, stream, group, entry_id, max_deliveries):
                    move(client, stream, group, entry_id, fields)
                    continue
                problem = pool.submit(handle, event).exception()
                if problem is None:
                    client.xack(stream, group, entry_id)
                    handled += 1
                elif not isinstance(problem, Exception):
                    raise problem
    return handled


def left_behind(client, stream, group, consumer, idle_ms, room):
    position = "-"
    while True:
        old = client.xpending_range(stream, group, position, "+", room, idle=idle_ms)
        if not old:
            return []
        ids = [line["message_id"] for line in old]
        if batch := client.xclaim(stream, group, consumer, idle_ms, ids):
            return batch
        position = "(" + text(ids[-1])  # all of these are gone, or somebody was quicker


def worn_out(client, stream, group, entry_id, most):
    lines = client.xpending_range(stream, group, entry_id, entry_id, 1)
    return bool(lines) and lines[0]["times_delivered"] > most


def move(client, stream, group, entry_id, fields):
    with client.pipeline(transaction=True) as pipe:
        pipe.xack(stream, group, entry_id)
        pipe.xadd(stream + ".dead", fields)
        pipe.execute()


def event_of(fields):
    raw = fields.get(b"event") if b"event" in fields else fields.get("event")
    if raw is None:
        return None
    try:
        value = json.loads(raw)
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None
    return value if isinstance(value, dict) else None


def replay(client, stream, handle, *, start="-", end="+"):
    total = 0
    while True:
        page = client.xrange(stream, min=start, max=end, count=30)
        for entry_id, fields in page:
            start = "(" + text(entry_id)
            event = event_of(fields)
            if event is not None:
                handle(event)
                total += 1
        if not page:
            return total


def lag(client, stream, group):
    groups = {text(info["name"]): info for info in client.xinfo_groups(stream)}
    newest_first = client.xrevrange(stream, "+", "(" + text(groups[group]["last-delivered-id"]))
    return len(newest_first) + groups[group]["pending"]
