"""A thread listens and queues; the caller's thread handles."""

import json
import queue
import threading


def publish_events(client, channel, events):
    return [event for event in events if not client.publish(channel, json.dumps(event))]


class Listener(threading.Thread):
    def __init__(self, client, channel):
        super().__init__(daemon=True)
        self.pubsub = client.pubsub()
        self.channel = channel
        self.items = queue.Queue()
        self.stopping = threading.Event()

    def run(self):
        try:
            self.pubsub.subscribe(self.channel)
            while not self.stopping.is_set():
                message = self.pubsub.get_message(timeout=3.0)
                if message is not None:
                    self.items.put((message["type"], message["data"]))
        except BaseException as problem:  # noqa: BLE001 - raised by the other thread
            self.items.put(("problem", problem))
        finally:
            self.pubsub.close()

    def take(self):
        kind, data = self.items.get()
        if kind == "problem":
            raise data
        return kind, data

    def stop(self):
        self.stopping.set()


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    listener = Listener(client, channel)
    listener.start()
    try:
        while listener.take()[0] != "subscribe":
            pass
        ready()
        handled = 0
        while handled < max_events:
            kind, data = listener.take()
            if kind != "message":
                continue
            try:
                event = json.loads(data)
            except ValueError:
                continue
            if not isinstance(event, dict):
                continue
            handle(event)
            handled += 1
        return handled
    finally:
        listener.stop()
