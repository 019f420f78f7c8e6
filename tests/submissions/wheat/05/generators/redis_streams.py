import contextlib
import itertools
import json

import redis


def append_events(client, stream, events, *, keep=None):
    def added():
        for event in events:
            new = client.xadd(name=stream, fields={"event": json.dumps(event)}, id="*")
            yield new.decode() if hasattr(new, "decode") else new

    ids = list(added())
    if keep is not None:
        client.xtrim(name=stream, maxlen=keep, approximate=False)
    return ids


def stream_consumer(client, stream, group, consumer, handle, **options):
    with contextlib.suppress(BusyGroup), busy_group():
        client.xgroup_create(stream, group, id="0-0", mkstream=True)
    limit = options.pop("max_events")
    handled = 0
    entries = deliveries(client, stream, group, consumer, lambda: limit - handled, **options)
    with contextlib.closing(entries):
        while handled < limit:
            try:
                entry_id, event = next(entries)
            except StopIteration:
                break
            try:
                handle(event)
            except Exception:
                continue
            client.xack(stream, group, entry_id)
            handled += 1
    return handled


class BusyGroup(Exception):
    pass


@contextlib.contextmanager
def busy_group():
    try:
        yield
    except redis.ResponseError as error:
        if str(error).startswith("BUSYGROUP"):
            raise BusyGroup from error
        raise


def deliveries(client, stream, group, consumer, wanted, *, batch_size=10, idle_ms=30_000,
               wait_ms=1000, max_deliveries=3, max_empty_reads=5):
    """Ids and events, old ones first; what can never be handled goes to the dead ones here."""
    for entry_id, fields in entries(client, stream, group, consumer, wanted, batch_size, idle_ms,
                                    wait_ms, max_empty_reads):
        event = next(events([(entry_id, fields)]), None)
        if event is None or tries(client, stream, group, entry_id) > max_deliveries:
            with client.pipeline(transaction=True) as pipe:
                pipe.xadd(f"{stream}.dead", fields)
                pipe.xack(stream, group, entry_id)
                pipe.execute()
        else:
            yield entry_id, event


def entries(client, stream, group, consumer, wanted, batch_size, idle_ms, wait_ms, patience):
    empty = 0
    while empty < patience:
        count = min(batch_size, wanted())
        claimed = list(itertools.islice(old(client, stream, group, consumer, idle_ms, count), count))
        if claimed:
            yield from claimed
            continue
        answer = client.xreadgroup(group, consumer, {stream: ">"}, count=count, block=wait_ms)
        empty = empty + 1 if not answer else 0
        for _, new in answer:
            yield from new


def old(client, stream, group, consumer, idle_ms, count):
    cursor = "0-0"
    while True:
        cursor, claimed, *_ = client.xautoclaim(
            stream, group, consumer, min_idle_time=idle_ms, start_id=cursor, count=count
        )
        if claimed:
            yield from claimed
            return
        if cursor in {"0-0", b"0-0"}:
            return


def tries(client, stream, group, entry_id):
    return sum(
        each["times_delivered"]
        for each in client.xpending_range(stream, group, min=entry_id, max=entry_id, count=1)
    )


def events(found):
    for _, fields in found:
        by_name = {name if isinstance(name, str) else name.decode(errors="replace"): value
                   for name, value in fields.items()}
        with contextlib.suppress(ValueError, KeyError):
            event = json.loads(by_name["event"])
            if isinstance(event, dict):
                yield event


def between(client, stream, start, end):
    page = client.xrange(stream, start, end, count=75)
    while page:
        yield from page
        last = page[-1][0]
        start = "(" + (last.decode() if hasattr(last, "decode") else last)
        page = client.xrange(stream, start, end, count=75)


def replay(client, stream, handle, *, start="-", end="+"):
    number = 0
    for number, event in enumerate(events(between(client, stream, start, end)), 1):
        handle(event)
    return number


def lag(client, stream, group):
    groups = {each["name"]: each for each in client.xinfo_groups(stream)}
    info = groups.get(group) or groups[group.encode()]
    last = info["last-delivered-id"]
    last = last.decode() if hasattr(last, "decode") else last
    return info["pending"] + sum(1 for _ in between(client, stream, "(" + last, "+"))
