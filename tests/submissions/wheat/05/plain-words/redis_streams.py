import json

from redis.exceptions import ResponseError


def append_events(client, stream, events, *, keep=None):
    new_ids = []
    for event in events:
        value = json.dumps(event, ensure_ascii=False)
        new_id = client.xadd(stream, {"event": value})
        if isinstance(new_id, bytes):
            new_id = new_id.decode("ascii")
        new_ids.append(new_id)
    if keep is not None:
        client.xtrim(stream, keep, approximate=False)
    return new_ids


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
        client.xgroup_create(stream, group, "0-0", True)
    except ResponseError as problem:
        if not problem.args[0].startswith("BUSYGROUP"):
            raise problem

    handled = 0
    empty = 0
    while True:
        if handled >= max_events:
            break
        if empty >= max_empty_reads:
            break
        want = max_events - handled
        if want > batch_size:
            want = batch_size

        # First what somebody has left behind, in all of what is pending.
        batch = []
        cursor = "0-0"
        while not batch:
            answer = client.xautoclaim(stream, group, consumer, idle_ms, cursor, want)
            batch = answer[1]
            cursor = answer[0]
            if cursor in ("0-0", b"0-0"):
                break

        # How often was each of them delivered?
        tries = {}
        if batch:
            first, last = batch[0][0], batch[-1][0]
            for line in client.xpending_range(stream, group, first, last, 1000, consumer):
                tries[line["message_id"]] = line["times_delivered"]

        # Then what is new.
        if not batch:
            answer = client.xreadgroup(group, consumer, {stream: ">"}, want, wait_ms)
            for _, batch in answer:
                pass
            if not batch:
                empty += 1
                continue
            empty = 0

        for entry_id, fields in batch:
            event = None
            for key in ("event", b"event"):
                if key in fields:
                    try:
                        event = json.loads(fields[key])
                    except ValueError:
                        pass
            is_event = isinstance(event, dict)
            worn_out = tries.get(entry_id, 1) > max_deliveries
            if worn_out or not is_event:
                both = client.pipeline()
                both.xadd(stream + ".dead", fields)
                both.xack(stream, group, entry_id)
                both.execute()
                continue
            try:
                handle(event)
            except Exception:
                pass
            else:
                client.xack(stream, group, entry_id)
                handled += 1
    return handled


def replay(client, stream, handle, *, start="-", end="+"):
    count = 0
    entries = client.xrange(stream, start, end, 64)
    while entries:
        for entry_id, fields in entries:
            value = fields.get("event") if "event" in fields else fields.get(b"event")
            try:
                event = json.loads(value)
            except (ValueError, TypeError):
                continue
            if type(event) is dict:
                handle(event)
                count += 1
        if isinstance(entry_id, bytes):
            entry_id = entry_id.decode("ascii")
        entries = client.xrange(stream, "(" + entry_id, end, 64)
    return count


def lag(client, stream, group):
    for line in client.xinfo_groups(stream):
        name = line["name"]
        if isinstance(name, bytes):
            name = name.decode()
        if name != group:
            continue
        last = line["last-delivered-id"]
        if isinstance(last, bytes):
            last = last.decode("ascii")
        not_delivered = 0
        entries = client.xrange(stream, "(" + last, "+", 500)
        while entries:
            not_delivered += len(entries)
            last = entries[-1][0]
            if isinstance(last, bytes):
                last = last.decode("ascii")
            entries = client.xrange(stream, "(" + last, "+", 500)
        return not_delivered + line["pending"]
    raise LookupError(group)
