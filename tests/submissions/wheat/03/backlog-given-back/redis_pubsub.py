"""Exercise 03, Redis: a generator of events, closed at the end."""

import json
from contextlib import closing
from itertools import count


def publish_events(client, channel, events):
    unheard = []
    for event in events:
        if client.execute_command("PUBLISH", channel, json.dumps(event, ensure_ascii=False)) == 0:
            unheard.append(event)
    return unheard


def incoming(client, channel, ready):
    with closing(client.pubsub()) as pubsub:
        pubsub.subscribe(channel)
        subscribed = False
        while True:
            message = pubsub.get_message(timeout=0.5)
            kind = message and message["type"]
            if kind == "subscribe" and not subscribed:
                subscribed = True
                ready()
            if kind == "message":
                yield message["data"]


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    numbers = count(1)
    with closing(incoming(client, channel, ready)) as payloads:
        for payload in payloads:
            try:
                event = json.loads(payload)
            except ValueError:
                continue
            if not isinstance(event, dict):
                continue
            handle(event)
            if (handled := next(numbers)) == max_events:
                return handled
