import json
import weakref

_pubsubs = weakref.WeakKeyDictionary()


def publish_events(client, channel, events):
    return [event for event in events if client.publish(channel, json.dumps(event)) == 0]


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    if client not in _pubsubs:
        _pubsubs[client] = client.pubsub()
    pubsub = _pubsubs[client]
    pubsub.subscribe(channel)
    handled = 0
    try:
        while pubsub.get_message(timeout=1.0) is None:
            pass
        ready()
        while handled < max_events:
            message = pubsub.get_message(ignore_subscribe_messages=True, timeout=1.0)
            if message is None:
                continue
            try:
                event = json.loads(message["data"])
            except ValueError:
                continue
            if isinstance(event, dict):
                handle(event)
                handled += 1
    finally:
        pubsub.unsubscribe(channel)
    return handled
