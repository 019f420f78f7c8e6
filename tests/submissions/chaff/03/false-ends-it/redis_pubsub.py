"""parse_response gives what the server sent, as a list; no dicts, no types of redis-py."""

import json


def _text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


class Raw:
    def __init__(self, client):
        self.pubsub = client.pubsub()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pubsub.close()

    def responses(self):
        while True:
            response = self.pubsub.parse_response(block=False, timeout=1.0)
            if response is not None:
                yield _text(response[0]), response[-1]


def publish_events(client, channel, events):
    lost = []
    for event in events:
        if client.execute_command("PUBLISH", channel, json.dumps(event)) == 0:
            lost.append(event)
    return lost


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    handled = 0
    with Raw(client) as raw:
        raw.pubsub.subscribe(channel)
        confirmed = False
        for kind, data in raw.responses():
            if kind == "subscribe" and not confirmed:
                confirmed = True
                ready()
            if kind != "message":
                continue
            try:
                event = json.loads(data)
            except ValueError:
                continue
            if isinstance(event, dict):
                if handle(event) is False:
                    break
                handled += 1
                if handled == max_events:
                    break
    return handled
