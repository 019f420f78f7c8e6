"""Exercise 03, Redis: lower-level calls."""

import json


def publish_events(client, channel, events):
    events = list(events)
    with client.pipeline(transaction=False) as pipeline:
        for event in events:
            pipeline.publish(channel, json.dumps(event))
        answers = pipeline.execute()
    return [event for event, receivers in zip(events, answers) if receivers == 0]


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    pubsub = client.pubsub()
    try:
        pubsub.subscribe(channel)
        kind = None
        while kind not in ("subscribe", b"subscribe"):
            response = pubsub.parse_response(block=False, timeout=1)
            kind = response and response[0]
        ready()
        handled = 0
        while handled < max_events:
            response = pubsub.parse_response(block=False, timeout=1)
            if response is None or response[0] not in ("message", b"message"):
                continue
            try:
                event = json.loads(response[2])
            except ValueError:
                continue
            if isinstance(event, dict):
                handle(event)
                handled = handled + 1
        return handled
    finally:
        pubsub.close()
