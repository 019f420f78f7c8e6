"""Exercise 03, Redis."""

import json

import redis


def _event(data):
    try:
        event = json.loads(data)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def publish_events(client, channel, events):
    events = list(events)
    if not events:
        return
    lost = []
    for event in events:
        if client.publish(channel, json.dumps(event)) == 0:
            lost.append(event)
    return lost


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    handled = 0
    announced = False
    with client.pubsub() as pubsub:
        pubsub.subscribe(channel)
        while handled < max_events:
            try:
                message = pubsub.get_message(timeout=1.0)
            except redis.TimeoutError:
                continue
            if message is None:
                continue
            if message["type"] == "subscribe":
                if not announced:
                    announced = True
                    ready()
                continue
            if message["type"] != "message":
                continue
            event = _event(message["data"])
            if event is None:
                continue
            handle(event)
            handled += 1
    return handled
