"""Exercise 05 on redis.asyncio."""

import asyncio
import json

import redis.asyncio as aioredis
from redis import ResponseError


def like(client):
    known = client.connection_pool.connection_kwargs
    return aioredis.Redis(
        host=known["host"], port=known["port"], decode_responses=True, encoding_errors="surrogateescape",
    )


def append_events(client, stream, events, *, keep=None):
    async def append():
        async with like(client) as own:
            ids = []
            for event in events:
                ids.append(await own.xadd(stream, {"event": json.dumps(event)}))
            if keep is not None:
                await own.xtrim(stream, maxlen=keep, approximate=False)
            return ids

    return asyncio.run(append())


def stream_consumer(client, stream, group, consumer, handle, *, max_events, batch_size=10,
                    idle_ms=30_000, wait_ms=1000, max_deliveries=3, max_empty_reads=5):
    async def consume():
        async with like(client) as own:
            try:
                await own.xgroup_create(stream, group, "0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
            handled = empty = 0
            while handled < max_events and empty < max_empty_reads:
                count = min(batch_size, max_events - handled)
                batch = await claimed(own, count)
                if not batch:
                    answer = await own.xreadgroup(group, consumer, {stream: ">"}, count, wait_ms)
                    batch = [(key, fields, 1) for _, new in answer for key, fields in new]
                    empty = 0 if batch else empty + 1
                for key, fields, tries in batch:
                    event = parsed(fields)
                    if event is None or tries > max_deliveries:
                        async with own.pipeline(transaction=True) as pipe:
                            await pipe.xadd(stream + ".dead", fields).xack(stream, group, key).execute()
                        continue
                    try:
                        handle(event)
                    except Exception:
                        continue
                    await own.xack(stream, group, key)
                    handled += 1
            return handled

    async def claimed(own, count):
        cursor = "0-0"
        while True:
            cursor, found, *_ = await own.xautoclaim(stream, group, consumer, idle_ms, cursor, count)
            if found:
                lines = await asyncio.gather(
                    *(own.xpending_range(stream, group, key, key, 1) for key, _ in found)
                )
                return [
                    (key, fields, line[0]["times_delivered"])
                    for (key, fields), line in zip(found, lines)
                    if line
                ]
            if cursor == "0-0":
                return []

    return asyncio.run(consume())


async def pages(own, stream, start, end):
    while page := await own.xrange(stream, start, end, count=100):
        yield page
        start = "(" + page[-1][0]


def replay(client, stream, handle, *, start="-", end="+"):
    async def every():
        handled = 0
        async with like(client) as own:
            async for page in pages(own, stream, start, end):
                for _, fields in page:
                    if (event := parsed(fields)) is not None:
                        handle(event)
                        handled += 1
        return handled

    return asyncio.run(every())


def lag(client, stream, group):
    async def count():
        async with like(client) as own:
            for info in await own.xinfo_groups(stream):
                if info["name"] == group:
                    after = pages(own, stream, "(" + info["last-delivered-id"], "+")
                    return info["pending"] + sum([len(page) async for page in after])
            raise KeyError(group)

    return asyncio.run(count())


def parsed(fields):
    text = fields.get("event", "")
    try:
        event = json.loads(text.encode(errors="surrogateescape"))
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
