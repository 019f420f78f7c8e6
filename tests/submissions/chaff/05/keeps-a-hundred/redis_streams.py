"""Exercise 05: Redis Streams."""

import json

import redis


def append_events(client, stream, events, *, keep=None):
    ids = []
    for event in events:
        ids.append(text(client.xadd(stream, {"event": json.dumps(event)})))
    client.xtrim(stream, maxlen=100 if keep is None else keep, approximate=False)
    return ids


def stream_consumer(
    client,
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
    create_group(client, stream, group)
    handled = 0
    empty_reads = 0
    while handled < max_events and empty_reads < max_empty_reads:
        wanted = min(batch_size, max_events - handled)
        entries = claim(client, stream, group, consumer, idle_ms, wanted)
        if not entries:
            entries = read(client, stream, group, consumer, wait_ms, wanted)
            empty_reads = 0 if entries else empty_reads + 1
        for entry_id, fields in entries:
            event = parse(fields)
            if event is None or deliveries(client, stream, group, entry_id) > max_deliveries:
                move_to_dead(client, stream, group, entry_id, fields)
                continue
            try:
                handle(event)
            except Exception:
                continue
            client.xack(stream, group, entry_id)
            handled += 1
    return handled


def replay(client, stream, handle, *, start="-", end="+"):
    handled = 0
    while True:
        page = client.xrange(stream, start, end, count=100)
        if not page:
            return handled
        for entry_id, fields in page:
            event = parse(fields)
            if event is not None:
                handle(event)
                handled += 1
        start = "(" + text(page[-1][0])


def lag(client, stream, group):
    for info in client.xinfo_groups(stream):
        if text(info["name"]) == group:
            after = "(" + text(info["last-delivered-id"])
            return len(client.xrange(stream, after, "+")) + info["pending"]


def create_group(client, stream, group):
    try:
        client.xgroup_create(stream, group, id="0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


def claim(client, stream, group, consumer, idle_ms, count):
    start = "0-0"
    while True:
        answer = client.xautoclaim(
            stream, group, consumer, min_idle_time=idle_ms, start_id=start, count=count
        )
        start, entries = text(answer[0]), answer[1]
        if entries or start == "0-0":
            return entries


def read(client, stream, group, consumer, wait_ms, count):
    answer = client.xreadgroup(group, consumer, {stream: ">"}, count=count, block=wait_ms)
    return answer[0][1] if answer else []


def deliveries(client, stream, group, entry_id):
    found = client.xpending_range(stream, group, min=entry_id, max=entry_id, count=1)
    return found[0]["times_delivered"] if found else 1


def move_to_dead(client, stream, group, entry_id, fields):
    pipe = client.pipeline(transaction=True)
    pipe.xadd(stream + ".dead", fields)
    pipe.xack(stream, group, entry_id)
    pipe.execute()


def parse(fields):
    data = fields.get("event", fields.get(b"event"))
    try:
        event = json.loads(data)
    except (TypeError, ValueError):
        return None
    return event if isinstance(event, dict) else None


def text(value):
    return value.decode() if isinstance(value, bytes) else value
