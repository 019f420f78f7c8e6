"""Redis Streams, as redis-cli would say it."""

import json

import redis

NOTHING = (None, [], {})


def said(reply):
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def append_events(client, stream, events, *, keep=None):
    limit = () if keep is None else ("MAXLEN", "=", keep)
    added = [
        said(client.execute_command("XADD", stream, *limit, "*", "event", json.dumps(each)))
        for each in events
    ]
    if limit and not added:
        client.execute_command("XTRIM", stream, *limit)
    return added


def stream_consumer(client, stream, group, consumer, handle, *, max_events, batch_size=10,
                    idle_ms=30_000, wait_ms=1000, max_deliveries=3, max_empty_reads=5):
    def tell(*words, **options):
        return client.execute_command(*words, **options)

    try:
        tell("XGROUP CREATE", stream, group, 0, "MKSTREAM")
    except redis.ResponseError as error:
        if not str(error).upper().startswith("BUSYGROUP"):
            raise

    done = quiet = 0
    while done < max_events and quiet < max_empty_reads:
        left = min(max_events - done, batch_size)
        old = oldest(tell, stream, group, idle_ms, left)
        if old:
            delivered = {each["message_id"]: each["times_delivered"] + 1 for each in old}
            batch = tell("XCLAIM", stream, group, consumer, idle_ms, *delivered)
        else:
            delivered = {}
            reply = tell(
                "XREADGROUP", "GROUP", group, consumer, "COUNT", left, "BLOCK", wait_ms,
                "STREAMS", stream, ">",
            )
            batch = [] if reply in NOTHING else reply[0][1]
            quiet = 0 if batch else quiet + 1
        for entry_id, fields in batch:
            trip = trip_of(fields)
            if trip is None or delivered.get(entry_id, 1) > max_deliveries:
                words = [word for pair in fields.items() for word in pair]
                with client.pipeline(transaction=True) as together:
                    together.execute_command("XADD", stream + ".dead", "*", *words)
                    together.execute_command("XACK", stream, group, entry_id)
                    together.execute()
            elif works(handle, trip):
                tell("XACK", stream, group, entry_id)
                done += 1
    return done


def oldest(tell, stream, group, idle_ms, count):
    return tell("XPENDING", stream, group, "IDLE", idle_ms, "-", "+", count, parse_detail=True)


def works(handle, trip):
    try:
        handle(trip)
    except Exception:
        return False
    return True


def trip_of(fields):
    for name, value in fields.items():
        if said(name) == "event":
            try:
                trip = json.loads(value)
            except ValueError:
                return None
            return trip if isinstance(trip, dict) else None
    return None


def pages(client, stream, start, end):
    while page := client.execute_command("XRANGE", stream, start, end, "COUNT", 50):
        yield page
        start = "(" + said(page[-1][0])


def replay(client, stream, handle, *, start="-", end="+"):
    done = 0
    for page in pages(client, stream, start, end):
        for _, fields in page:
            if (trip := trip_of(fields)) is not None:
                handle(trip)
                done += 1
    return done


def lag(client, stream, group):
    found = client.execute_command("XINFO GROUPS", stream)
    for each in found:
        if said(each["name"]) == group:
            behind = "(" + said(each["last-delivered-id"])
            return sum(map(len, pages(client, stream, behind, "+"))) + each["pending"]
    raise KeyError(group)
