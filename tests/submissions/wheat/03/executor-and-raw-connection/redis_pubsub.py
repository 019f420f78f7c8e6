"""Exercise 03, Redis: the protocol by hand, on a connection of its own."""

import json


def publish_events(client, channel, events):
    return [event for event in events if int(client.publish(channel, json.dumps(event))) < 1]


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    connection = client.connection_pool.make_connection()
    handled = 0
    try:
        connection.connect()
        connection.send_command("SUBSCRIBE", channel)
        while handled < max_events:
            if not connection.can_read(timeout=0.5):
                continue
            kind, _, data = connection.read_response(push_request=True)[:3]
            if kind in ("subscribe", b"subscribe"):
                ready()
            elif kind in ("message", b"message"):
                try:
                    event = json.loads(data)
                except ValueError:
                    continue
                if isinstance(event, dict):
                    handle(event)
                    handled += 1
        return handled
    finally:
        connection.disconnect()
