"""Exercise 03, Redis: the asyncio client, made from the settings of the given one."""

import asyncio
import json

import redis.asyncio


def publish_events(client, channel, events):
    return asyncio.run(publish_all(settings(client), channel, events))


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    return asyncio.run(consume(settings(client), channel, handle, max_events, ready))


def settings(client):
    kwargs = client.connection_pool.connection_kwargs
    wanted = ("host", "port", "db", "username", "password", "decode_responses")
    return {name: kwargs[name] for name in wanted if name in kwargs}


async def publish_all(kwargs, channel, events):
    async with redis.asyncio.Redis(**kwargs) as client:
        lost = []
        for event in events:
            if await client.publish(channel, json.dumps(event)) < 1:
                lost.append(event)
        return lost


async def consume(kwargs, channel, handle, max_events, ready):
    async with redis.asyncio.Redis(**kwargs) as client, client.pubsub() as pubsub:
        await pubsub.subscribe(channel)
        handled = 0
        told = False
        while handled < max_events:
            message = await pubsub.get_message(timeout=0.5)
            if message is None:
                continue
            if message["type"] == "subscribe":
                if not told:
                    ready()
                told = True
                continue
            try:
                event = json.loads(message["data"])
            except ValueError:
                continue
            if isinstance(event, dict):
                handle(event)
                handled += 1
        await pubsub.unsubscribe(channel)
        return handled
