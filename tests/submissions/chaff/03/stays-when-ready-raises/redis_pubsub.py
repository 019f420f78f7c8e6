"""A handler registered with the subscription; get_message calls it."""

import json


def publish_events(client, channel, events):
    lost = []
    for event in events:
        receivers = client.publish(channel, json.dumps(event).encode())
        if not receivers:
            lost.append(event)
    return lost


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    handled = 0

    def on_message(message):
        nonlocal handled
        try:
            event = json.loads(message["data"])
        except ValueError:
            return
        if isinstance(event, dict):
            handle(event)
            handled += 1

    pubsub = client.pubsub()
    pubsub.subscribe(**{channel: on_message})
    confirmed = False
    while not confirmed:
        message = pubsub.get_message(timeout=0.5)
        confirmed = message is not None and message["type"] == "subscribe"
    ready()
    try:
        while handled < max_events:
            pubsub.get_message(timeout=0.5)  # None, also after on_message
    finally:
        pubsub.close()
    return handled
