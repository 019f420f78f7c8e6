"""Exercise 03, Redis: events are read-only mappings."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Event(Mapping):
    def __init__(self, fields):
        self.fields = MappingProxyType(fields)

    def __getitem__(self, name):
        return self.fields[name]

    def __iter__(self):
        return iter(self.fields)

    def __len__(self):
        return len(self.fields)


class Published(NamedTuple):
    event: dict
    receivers: int


def publish_events(client, channel, events):
    published = [Published(e, client.publish(channel, json.dumps(e))) for e in events]
    return (*(p.event for p in published if not p.receivers),)


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    pubsub = client.pubsub(ignore_subscribe_messages=False)
    try:
        pubsub.subscribe(channel)
        while not pubsub.get_message(timeout=0.25):
            continue
        ready()
        left = max_events
        while left:
            if (event := parse(pubsub.get_message(timeout=0.25))) is not None:
                handle(event)
                left -= 1
    finally:
        pubsub.close()
    return max_events


def parse(message):
    match message:
        case {"type": "message", "data": data}:
            try:
                value = json.loads(data)
            except ValueError:
                return None
            return Event(value) if isinstance(value, dict) else None
    return None
