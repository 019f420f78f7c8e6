"""Exercise 03, Redis: the library's own thread puts messages into a queue."""

import json
import queue
import threading


def publish_events(client, channel, events):
    return [e for e in events if not client.publish(channel, json.dumps(e).encode())]


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    payloads = queue.SimpleQueue()
    failure = []
    pubsub = client.pubsub()
    pubsub.subscribe(**{channel: lambda message: payloads.put(message["data"])})
    while pubsub.get_message(timeout=0.5) is None:
        pass

    def went_wrong(error, pubsub, thread):
        failure.append(error)
        payloads.put(None)
        thread.stop()

    thread = pubsub.run_in_thread(sleep_time=0.02, daemon=True, exception_handler=went_wrong)
    handled = 0
    try:
        ready()
        while handled < max_events:
            payload = payloads.get()
            if payload is None:
                raise failure[0]
            try:
                event = json.loads(payload)
            except ValueError:
                continue
            if type(event) is dict:
                handle(event)
                handled += 1
    finally:
        thread.stop()
        thread.join()
    assert threading.current_thread() is not thread
    return handled
