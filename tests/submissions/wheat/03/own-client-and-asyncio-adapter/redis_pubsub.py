"""Exercise 03, Redis."""

import json

import redis


def publish_events(client, channel, events):
    lost = []
    for e in events:
        n = client.publish(channel, json.dumps(e))
        if n == 0:
            lost += [e]
    return lost


def redis_consumer(client, channel, handle, *, max_events, ready=lambda: None):
    # a pool of its own, so that closing everything is one call
    settings = dict(client.connection_pool.connection_kwargs)
    settings["decode_responses"] = False
    pool = redis.ConnectionPool(
        connection_class=client.connection_pool.connection_class, max_connections=2, **settings
    )
    mine = redis.Redis(connection_pool=pool)
    subscriber = mine.pubsub(ignore_subscribe_messages=False)
    n = 0
    greeted = []
    try:
        subscriber.subscribe(channel)
        while True:
            try:
                got = subscriber.parse_response(block=True)
            except redis.TimeoutError:
                continue
            got = got and subscriber.handle_message(got)
            if not got:
                continue
            if got["type"] == "subscribe" and not greeted:
                greeted.append(True)
                ready()
            elif got["type"] == "message":
                try:
                    event = json.loads(got["data"])
                    event.keys()
                except (ValueError, AttributeError):
                    continue
                handle(event)
                n += 1
                if n == max_events:
                    return n
    finally:
        subscriber.close()
        mine.close()
        pool.disconnect()
