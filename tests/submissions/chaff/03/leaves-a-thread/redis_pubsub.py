"""Exercise 03: Redis Pub/Sub, with a thread."""

import json
import queue


def publish_events(client, channel, events):
    return [event for event in events if client.publish(channel, json.dumps(event)) == 0]


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    inbox = queue.Queue()
    pubsub = client.pubsub()
    pubsub.subscribe(**{channel: inbox.put})
    while pubsub.get_message(timeout=1.0) is None:
        pass
    ready()
    pubsub.run_in_thread(sleep_time=0.05, daemon=True)
    handled = 0
    while handled < max_events:
        message = inbox.get()
        try:
            event = json.loads(message["data"])
        except ValueError:
            continue
        if isinstance(event, dict):
            handle(event)
            handled += 1
    return handled
