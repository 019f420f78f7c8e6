import json

import redis


def append_events(client, stream, events, *, keep=None):
    written = []
    for event in events:
        written.append(as_text(client.xadd(stream, {"event": json.dumps(event)})))
        if keep is not None:
            client.xtrim(stream, keep, False)
    if keep is not None:
        client.xtrim(stream, keep, False)
    return written


def stream_consumer(client, stream, group, consumer, handle, *, max_events, batch_size=10,
                    idle_ms=30_000, wait_ms=1000, max_deliveries=3, max_empty_reads=5):
    while True:
        try:
            client.xgroup_create(stream, group, id="0", mkstream=True)
            break
        except redis.ResponseError as error:
            if "BUSYGROUP" in str(error):
                break
            raise
    successes, empty_reads = 0, 0
    while successes < max_events:
        size = min(batch_size, max_events - successes)
        found = client.xpending_range(stream, group, "-", "+", size, idle=idle_ms)
        entries = []
        if found:
            ids = [row["message_id"] for row in found]
            entries = client.xclaim(stream, group, consumer, idle_ms, ids)
        else:
            reply = client.xreadgroup(group, consumer, {stream: ">"}, count=size, block=wait_ms)
            if not reply:
                empty_reads += 1
                if empty_reads == max_empty_reads:
                    break
                continue
            empty_reads = 0
            [[_, entries]] = reply
        for entry_id, fields in entries:
            event, times = read(fields), 1
            for row in found:
                if row["message_id"] == entry_id:
                    times = row["times_delivered"] + 1
            if event is False or times > max_deliveries:
                client.xadd(stream + ".dead", dict(fields))
                client.xack(stream, group, entry_id)
                continue
            try:
                handle(event)
            except Exception:
                continue
            assert client.xack(stream, group, entry_id) in (0, 1)
            successes += 1
    return successes


def read(fields):
    data = {as_text(key): value for key, value in fields.items()}
    try:
        event = json.loads(data.get("event", "?"))
    except ValueError:
        return False
    return event if isinstance(event, dict) else False


def as_text(value):
    if isinstance(value, bytes):
        return str(value, "utf-8")
    return value


def replay(client, stream, handle, *, start="-", end="+"):
    count = 0
    cursor = start
    while entries := client.xrange(stream, cursor, end, 99):
        for entry_id, fields in entries:
            event = read(fields)
            if event is False:
                continue
            handle(event)
            count += 1
        milliseconds, number = as_text(entries[-1][0]).split("-")
        cursor = f"{milliseconds}-{int(number) + 1}"
    return count


def lag(client, stream, group):
    pending = client.xpending(stream, group)["pending"]
    last = None
    for row in client.xinfo_groups(stream):
        if as_text(row["name"]) == group:
            last = as_text(row["last-delivered-id"])
    if last == "0-0":
        return client.xlen(stream) + pending
    return len(client.xrange(stream, f"({last}", "+")) + pending
