"""Exercise 03, Redis: a reader thread, and handle in the caller's."""

import json
import queue
import threading


def publish_events(client, channel, events):
    lost = []
    for event in events:
        heard_by = client.publish(channel, json.dumps(event))
        lost += [] if heard_by else [event]
    return lost


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    inbox = queue.Queue(maxsize=1000)
    stop = threading.Event()

    def put(item):
        while not stop.is_set():
            try:
                return inbox.put(item, timeout=0.1)
            except queue.Full:
                continue

    def read():
        try:
            with client.pubsub() as pubsub:
                pubsub.subscribe(channel)
                while not stop.is_set():
                    message = pubsub.get_message(timeout=0.05)
                    if message is not None:
                        put(message)
        except BaseException as error:
            put(error)

    reader = threading.Thread(target=read)
    reader.start()
    count = 0
    waiting = True
    try:
        while count < max_events:
            item = inbox.get()
            if isinstance(item, BaseException):
                raise item
            if item["type"] == "subscribe" and waiting:
                waiting = False
                ready()
            if item["type"] == "message" and (event := as_event(item["data"])) is not None:
                handle(event)
                count += 1
    finally:
        stop.set()
        reader.join()
    return count


def as_event(data):
    text = data if isinstance(data, str) else data.decode(errors="replace")
    if "\N{REPLACEMENT CHARACTER}" in text and not isinstance(data, str):
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return None
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
