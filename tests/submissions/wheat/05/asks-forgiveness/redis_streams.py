import contextlib
import json
from typing import NamedTuple

import redis


class Names(NamedTuple):
    stream: str
    group: str
    consumer: str


def append_events(client, stream, events, *, keep=None):
    pipe = client.pipeline()
    for event in events:
        pipe.xadd(stream, {"event": json.dumps(event, ensure_ascii=False)})
    if keep is not None:
        pipe.xtrim(stream, maxlen=keep, approximate=False)
    answers = pipe.execute() if len(pipe) else []
    return [text(each) for each in answers[: len(answers) - (keep is not None)]]


def stream_consumer(
    client, stream, group, consumer, handle, *, max_events, batch_size=10, idle_ms=30_000,
    wait_ms=1000, max_deliveries=3, max_empty_reads=5,
):
    names, total, quiet = Names(stream, group, consumer), 0, 0
    while total < max_events and quiet < max_empty_reads:
        most = min(batch_size, max_events - total)
        if not (batch := forgiven(client, names, lambda: old_ones(client, names, idle_ms, most))):
            batch = forgiven(client, names, lambda: new_ones(client, names, wait_ms, most))
            quiet = 0 if batch else quiet + 1
        done = []
        try:
            for entry_id, fields, deliveries in batch:
                if (event := event_in(fields)) is None or deliveries > max_deliveries:
                    with client.pipeline() as pipe:
                        pipe.xadd(f"{stream}.dead", fields).xack(stream, group, entry_id).execute()
                    continue
                with contextlib.suppress(Exception):
                    handle(event)
                    done.append(entry_id)
        finally:
            if done:
                client.xack(stream, group, *done)
        total += len(done)
    return total


def forgiven(client, names, ask):
    """Ask; where there is no group yet, create it and ask again."""
    try:
        return ask()
    except redis.ResponseError as error:
        if not str(error).startswith("NOGROUP"):
            raise
    with contextlib.suppress(redis.ResponseError):  # somebody else has created it by now
        client.xgroup_create(names.stream, names.group, "0", mkstream=True)
    return ask()


def old_ones(client, names, idle_ms, most):
    cursor = "0-0"
    while True:
        cursor, entries, *_ = client.xautoclaim(*names, idle_ms, cursor, most)
        if entries or text(cursor) == "0-0":
            break
    if not entries:
        return []
    ids = [entry_id for entry_id, _ in entries]
    found = client.xpending_range(names.stream, names.group, ids[0], ids[-1], 10_000, names.consumer)
    counts = {each["message_id"]: each["times_delivered"] for each in found}
    return [(entry_id, fields, counts[entry_id]) for entry_id, fields in entries]


def new_ones(client, names, wait_ms, most):
    answer = client.xreadgroup(
        names.group, names.consumer, {names.stream: ">"}, count=most, block=wait_ms
    )
    return [(entry_id, fields, 1) for _, entries in answer or [] for entry_id, fields in entries]


def event_in(fields):
    with contextlib.suppress(ValueError, KeyError):
        value = json.loads({text(key): value for key, value in fields.items()}["event"])
        if isinstance(value, dict):
            return value
    return None


def text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def replay(client, stream, handle, *, start="-", end="+"):
    count = 0
    while page := client.xrange(stream, start, end, 50):
        for _, fields in page:
            if (event := event_in(fields)) is not None:
                handle(event)
                count += 1
        start = "(" + text(page[-1][0])
    return count


def lag(client, stream, group):
    found = {text(each["name"]): each for each in client.xinfo_groups(stream)}[group]
    after, count = "(" + text(found["last-delivered-id"]), found["pending"]
    while page := client.xrange(stream, after, "+", 500):
        count, after = count + len(page), "(" + text(page[-1][0])
    return count
