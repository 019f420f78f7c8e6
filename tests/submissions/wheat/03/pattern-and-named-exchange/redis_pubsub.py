"""Exercise 03, Redis."""

import json
import re

import redis


def publish_events(client, channel, events):
    lost = []
    for event in events:
        match client.execute_command("PUBLISH", channel, json.dumps(event)):
            case 0:
                lost.append(event)
    return lost


def _literal(channel):
    """A pattern that matches this channel and no other."""
    return re.sub(r"([][*?\\^-])", r"\\\1", channel)


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    handled, confirmed = 0, False
    with client.pubsub() as pubsub:
        pubsub.psubscribe(_literal(channel))
        while handled < max_events:
            try:
                message = pubsub.get_message(timeout=1)
            except redis.TimeoutError:
                continue
            if not message:
                continue
            kind = message["type"]
            if kind == "psubscribe" and not confirmed:
                confirmed = True
                ready()
            if kind != "pmessage":
                continue
            try:
                event = json.loads(message["data"])
            except ValueError:
                continue
            if isinstance(event, dict):
                handle(event)
                handled += 1
    return handled
