"""My solution for exercise 05 (Redis Streams)."""

import json

import redis


def to_text(value):
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return value


def get_event(fields):
    """The event of an entry, or None when the entry is bad."""
    if "event" in fields:
        raw = fields["event"]
    elif b"event" in fields:
        raw = fields[b"event"]
    else:
        return None
    try:
        event = json.loads(raw)
    except ValueError:
        return None
    if isinstance(event, dict):
        return event
    return None


def append_events(client, stream, events, *, keep=None):
    ids = []
    for event in events:
        entry_id = client.xadd(stream, {"event": json.dumps(event)})
        ids.append(to_text(entry_id))
    if keep is not None:
        client.xtrim(stream, maxlen=keep, approximate=False)
    return ids


def make_group(client, stream, group):
    try:
        client.xgroup_create(name=stream, groupname=group, id="0", mkstream=True)
    except redis.exceptions.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


def move_to_dead(client, stream, group, entry_id, fields):
    pipe = client.pipeline(transaction=True)
    pipe.xadd(stream + ".dead", fields)
    pipe.xack(stream, group, entry_id)
    pipe.execute()


def old_entries(client, stream, group, consumer, idle_ms, count):
    """What has been pending for idle_ms or longer, oldest first: (id, times delivered)."""
    found = []
    start = "-"
    while len(found) < count:
        page = client.xpending_range(stream, group, min=start, max="+", count=50)
        if len(page) == 0:
            break
        for item in page:
            if item["time_since_delivered"] >= idle_ms and len(found) < count:
                found.append((to_text(item["message_id"]), item["times_delivered"]))
        start = "(" + to_text(page[-1]["message_id"])
    return found


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
    make_group(client, stream, group)
    handled = 0
    empty_reads = 0

    while handled < max_events and empty_reads < max_empty_reads:
        count = min(batch_size, max_events - handled)

        # first what others (or we) did not finish
        worked = False
        for entry_id, times in old_entries(client, stream, group, consumer, idle_ms, count):
            claimed = client.xclaim(stream, group, consumer, min_idle_time=idle_ms, message_ids=[entry_id])
            if len(claimed) == 0 or claimed[0][0] is None:
                # somebody else was faster, or it is not in the stream any more
                if not client.xrange(stream, min=entry_id, max=entry_id):
                    client.xack(stream, group, entry_id)
                continue
            worked = True
            fields = claimed[0][1]
            event = get_event(fields)
            if event is None or times >= max_deliveries:
                move_to_dead(client, stream, group, entry_id, fields)
                continue
            try:
                handle(event)
            except Exception as problem:
                print("failed:", entry_id, repr(problem))
                continue
            client.xack(stream, group, entry_id)
            handled = handled + 1
        if worked:
            continue

        # then what is new
        answer = client.xreadgroup(group, consumer, {stream: ">"}, count=count, block=wait_ms)
        if not answer:
            empty_reads = empty_reads + 1
            continue
        empty_reads = 0
        for entry_id, fields in answer[0][1]:
            event = get_event(fields)
            if event is None:
                move_to_dead(client, stream, group, entry_id, fields)
                continue
            try:
                handle(event)
            except Exception as problem:
                print("failed:", to_text(entry_id), repr(problem))
                continue
            client.xack(stream, group, entry_id)
            handled = handled + 1

    return handled


def replay(client, stream, handle, *, start="-", end="+"):
    handled = 0
    position = start
    while True:
        page = client.xrange(stream, min=position, max=end, count=64)
        if len(page) == 0:
            return handled
        for entry_id, fields in page:
            event = get_event(fields)
            if event is not None:
                handle(event)
                handled = handled + 1
        position = "(" + to_text(page[-1][0])


def lag(client, stream, group):
    for info in client.xinfo_groups(stream):
        if to_text(info["name"]) == group:
            total = info["pending"]
            position = to_text(info["last-delivered-id"])
            if position != "0-0":
                total = total - 1  # the range holds the last delivered one itself
            while True:
                page = client.xrange(stream, min=position, max="+", count=200)
                if len(page) == 0:
                    return total
                total = total + len(page)
                position = "(" + to_text(page[-1][0])
    raise KeyError(group)
