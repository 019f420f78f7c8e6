from __future__ import annotations
import json

import redis


def publish_events(client, channel, events):
    lost = []
    for event in events:
        if client.publish(channel, json.dumps(event)) == 0:
            lost.append(event)
    return lost


def parse(data):
    try:
        event = json.loads(data.decode("utf-8") if isinstance(data, bytes) else data)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    count = 0
    with client.pubsub() as pubsub:
        pubsub.subscribe(channel)
        while count < max_events:
            try:
                message = pubsub.get_message(timeout=1.0)
            except redis.TimeoutError:
                continue
            if message is None:
                continue
            if message["type"] == "subscribe":
                ready()
            if message["type"] != "message":
                continue
            event = parse(message["data"])
            if event is None:
                continue
            handle(event)
            count += 1
    return count
