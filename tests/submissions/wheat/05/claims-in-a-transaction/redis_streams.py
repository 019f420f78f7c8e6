import json

from redis import Redis, ResponseError


def _t(v):
    return v.decode() if isinstance(v, bytes) else v


def append_events(client: Redis, stream, events, *, keep=None):
    pipe = client.pipeline(transaction=True)
    n = 0
    for event in events:
        pipe.xadd(stream, {"event": json.dumps(event, separators=(",", ":"))})
        n += 1
    if keep is not None:
        pipe.xtrim(stream, maxlen=keep, approximate=False)
    return [_t(i) for i in pipe.execute()[:n]]


def _event(fields):
    value = {_t(k): v for k, v in fields.items()}.get("event")
    try:
        event = json.loads(value) if value is not None else None
    except ValueError:
        event = None
    return event if isinstance(event, dict) else None


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
    try:
        client.xgroup_create(stream, group, id="0", mkstream=True)
    except ResponseError as e:
        if not e.args[0].startswith("BUSYGROUP"):
            raise
    dead = f"{stream}.dead"
    handled = empty = 0
    while True:
        room = min(batch_size, max_events - handled)
        if room == 0 or empty == max_empty_reads:
            return handled
        cursor, entries = "0-0", []
        while not entries:
            with client.pipeline(transaction=True) as pipe:
                pipe.xautoclaim(stream, group, consumer, idle_ms, start_id=cursor, count=room)
                pipe.xpending_range(stream, group, "-", "+", 10_000, consumername=consumer)
                (cursor, entries, *_), pending = pipe.execute()
            if _t(cursor) == "0-0":
                break
        times = {p["message_id"]: p["times_delivered"] for p in pending}
        if not entries:
            with client.pipeline(transaction=False) as pipe:
                pipe.xreadgroup(group, consumer, {stream: ">"}, count=room, block=wait_ms)
                (answer,) = pipe.execute()
            entries = answer[0][1] if answer else []
            empty = 0 if entries else empty + 1
            times = {}
        for entry_id, fields in entries:
            event = _event(fields)
            with client.pipeline(transaction=True) as pipe:
                if event is None or times.get(entry_id, 1) > max_deliveries:
                    pipe.xadd(dead, fields)
                else:
                    try:
                        handle(event)
                    except Exception:
                        continue
                    handled += 1
                pipe.xack(stream, group, entry_id)
                pipe.execute()


def replay(client, stream, handle, *, start="-", end="+"):
    handled = 0
    page = client.xrange(stream, min=start, max=end, count=500)
    while page:
        for _, fields in page:
            event = _event(fields)
            if event is not None:
                handle(event)
                handled += 1
        page = client.xrange(stream, min="(" + _t(page[-1][0]), max=end, count=500)
    return handled


def lag(client, stream, group):
    pending = client.xpending(stream, group)["pending"]
    for info in client.xinfo_groups(stream):
        if _t(info["name"]) == group:
            last = _t(info["last-delivered-id"])
            break
    else:
        raise LookupError(group)
    n = 0
    while page := client.xrange(stream, "(" + last, "+", count=1000):
        n += len(page)
        last = _t(page[-1][0])
    return pending + n
