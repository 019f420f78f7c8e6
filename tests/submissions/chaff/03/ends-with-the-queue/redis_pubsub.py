"""Exercise 03: Redis Pub/Sub."""

import json


def publish_events(client, channel, events):
    lost = []
    for event in events:
        receivers = client.publish(channel, json.dumps(event))
        if receivers == 0:
            lost.append(event)
    return lost


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    pubsub = client.pubsub()
    handled = 0
    try:
        pubsub.subscribe(channel)
        while True:
            message = pubsub.get_message(timeout=1.0)
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
            handled += 1
            if handled == max_events:
                return handled
    finally:
        pubsub.close()


def parse(data):
    try:
        event = json.loads(data)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
