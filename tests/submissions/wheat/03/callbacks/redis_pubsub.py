"""Exercise 03, Redis: listen()."""

import json

import redis


def publish_events(client, channel, events):
    lost = []
    for event in events:
        receivers = client.publish(channel, json.dumps(event))
        if receivers == 0:
            lost.append(event)
    return lost


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    pubsub = client.pubsub()
    count = 0
    confirmed = False
    try:
        pubsub.subscribe(channel)
        messages = pubsub.listen()
        while True:
            try:
                message = next(messages)
            except redis.TimeoutError:
                # older clients give up a quiet read; the connection is as good as before
                messages = pubsub.listen()
                continue
            if message["type"] == "subscribe" and not confirmed:
                confirmed = True
                ready()
            if message["type"] != "message":
                continue
            event = parse(message["data"])
            if event is None:
                continue
            handle(event)
            count += 1
            if count == max_events:
                return count
    finally:
        pubsub.unsubscribe(channel)
        pubsub.close()


def parse(data):
    try:
        if isinstance(data, bytes):
            data = data.decode("utf-8")
        event = json.loads(data)
    except (UnicodeDecodeError, json.JSONDecodeError):
        return None
    if isinstance(event, dict):
        return event
    return None
