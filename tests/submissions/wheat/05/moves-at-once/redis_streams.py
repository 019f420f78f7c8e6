from __future__ import annotations

import json
import time

import redis

FIELD = "event"
LOOKS = 0.25  # seconds between two looks at what others hold, at most


def append_events(client, stream, events, *, keep=None):
    ids = [client.xadd(stream, {FIELD: json.dumps(event)}) for event in events]
    if keep is not None:
        client.xtrim(stream, maxlen=keep, approximate=False)
    return [each if isinstance(each, str) else each.decode() for each in ids]


class Poison(Exception):
    pass


def stream_consumer(
    client: redis.Redis,
    stream,
    group,
    consumer,
    handle,
    *,
    max_events,
    batch_size=10,
    idle_ms=30_000,
    wait_ms=1000,
    max_deliveries=3,
    max_empty_reads=5,
):
    try:
        client.xgroup_create(stream, group, id="0-0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
    look_at, handled, empty, cursor = 0.0, 0, 0, "0-0"
    while handled < max_events:
        room = min(batch_size, max_events - handled)
        entries = []
        while time.monotonic() >= look_at and not entries:
            cursor, entries, *_ = client.xautoclaim(
                stream, group, consumer, idle_ms, start_id=cursor, count=room
            )
            if cursor in ("0-0", b"0-0") and not entries:
                look_at = time.monotonic() + min(LOOKS, idle_ms / 1000)
        if not entries:
            answer = client.xreadgroup(group, consumer, {stream: ">"}, count=room, block=wait_ms)
            entries = answer[0][1] if answer else []
            empty = 0 if entries else empty + 1
            if empty >= max_empty_reads:
                break
        with client.pipeline(transaction=False) as pipe:
            for entry_id, _ in entries:
                pipe.xpending_range(stream, group, entry_id, entry_id, 1)
            counts = [found[0]["times_delivered"] if found else 1 for found in pipe.execute()]
        for (entry_id, fields), deliveries in zip(entries, counts):
            try:
                event = parse(fields)
                if deliveries > max_deliveries:
                    raise Poison
            except (ValueError, Poison):
                move(client, stream, group, entry_id, fields)
                continue
            try:
                handle(event)
            except Exception:
                if deliveries >= max_deliveries:
                    move(client, stream, group, entry_id, fields)
                continue
            client.xack(stream, group, entry_id)
            handled += 1
    return handled


def move(client, stream, group, entry_id, fields):
    """In .dead first; a crash in between makes two of it, and none of nothing."""
    client.xadd(stream + ".dead", fields | {"was": entry_id})
    client.xack(stream, group, entry_id)


def parse(fields):
    event = json.loads(fields.get(FIELD, fields.get(FIELD.encode(), "")))
    if not isinstance(event, dict):
        raise ValueError(event)
    return event


def replay(client, stream, handle, *, start="-", end="+"):
    count, page = 0, client.xrange(stream, start, end, count=1000)
    while page:
        for entry_id, fields in page:
            try:
                event = parse(fields)
            except ValueError:
                continue
            handle(event)
            count += 1
        last = page[-1][0] if isinstance(page[-1][0], str) else page[-1][0].decode()
        ms, _, sequence = last.partition("-")
        if last == end:
            break
        page = client.xrange(stream, f"{ms}-{int(sequence) + 1}", end, count=1000)
    return count


def lag(client, stream, group):
    encoded = {group, group.encode()}
    found = next(each for each in client.xinfo_groups(stream) if each["name"] in encoded)
    last = found["last-delivered-id"]
    last = last if isinstance(last, str) else last.decode()
    return len(client.xrange(stream, "(" + last, "+")) + found["pending"]
