"""Exercise 03, Redis: one transaction, and a pattern."""

import json
import re


def publish_events(client, channel, events):
    events = list(events)
    if not events:
        return []
    with client.pipeline() as transaction:
        for event in events:
            transaction.publish(channel, json.dumps(event))
        receivers = transaction.execute()
    return [events[i] for i in range(len(events)) if receivers[i] == 0]


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    pattern = re.sub(r"([\[\]*?\\^])", r"\\\1", channel)
    handled = 0
    with client.pubsub(ignore_subscribe_messages=False) as pubsub:
        pubsub.psubscribe(pattern)
        called = False
        while handled < max_events:
            message = pubsub.get_message(timeout=0.2)
            if message and message["type"] == "psubscribe" and not called:
                called = True
                ready()
            elif message and message["type"] == "pmessage":
                try:
                    event = json.loads(message["data"])
                    if not isinstance(event, dict):
                        raise ValueError
                except ValueError:
                    continue
                handle(event)
                handled += 1
        pubsub.punsubscribe()
    return handled
