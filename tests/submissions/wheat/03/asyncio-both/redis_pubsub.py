"""Exercise 03, Redis: asyncio, with a task that reads and a task that handles."""

import asyncio
import json

import redis.asyncio as aioredis


def like(client):
    known = client.connection_pool.connection_kwargs
    return aioredis.Redis(
        host=known["host"],
        port=known["port"],
        decode_responses=known.get("decode_responses", False),
        socket_timeout=None,
    )


def publish_events(client, channel, events):
    events = list(events)

    async def publish():
        async with like(client) as own:
            answers = [await own.publish(channel, json.dumps(event)) for event in events]
        return [event for event, answer in zip(events, answers) if answer == 0]

    return asyncio.run(publish())


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    async def consume():
        async with like(client) as own, own.pubsub() as pubsub:
            await pubsub.subscribe(channel)
            handled = confirmed = 0
            async for message in pubsub.listen():
                if message["type"] == "subscribe" and not confirmed:
                    confirmed = 1
                    ready()
                elif message["type"] == "message":
                    try:
                        event = json.loads(message["data"])
                    except ValueError:
                        event = None
                    if isinstance(event, dict):
                        handle(event)
                        handled += 1
                        if handled == max_events:
                            return handled

    return asyncio.run(consume())
