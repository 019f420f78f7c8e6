"""Watch your own consumers at work, against the servers of `grader services up`.

python exercises/03/demo.py redis
python exercises/03/demo.py forget
python exercises/03/demo.py rabbitmq
python exercises/03/demo.py rabbitmq --work 3
python exercises/03/demo.py rabbitmq --kill-after 3
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pika
import pika.exceptions
import rabbitmq
import redis
import redis_pubsub

from grader.host.standard_streams import printable
from grader.learn.demo import not_filled_in
from grader.services.rabbitmq.answering import rabbitmq_problem
from grader.services.redis.answering import redis_problem

Handler = Callable[[dict[str, Any]], None]
REDIS = os.environ.get("REDIS_URL", "redis://localhost:6379")
RABBITMQ = os.environ.get("RABBITMQ_URL", "amqp://guest:guest@localhost:5672")
START = "Start the servers with: grader services up"
ANEW = "Delete it with the servers: grader services down, then grader services up"


def main() -> int:
    """Run one demo; exit code 1 when its server or your function is missing."""
    options = ask()
    events = handled = 0

    def handle(event: dict[str, Any]) -> None:
        nonlocal events, handled
        events += 1
        zone, fare = event["pickup_zone"], event["fare_estimate"]
        print(f"[{options.way}] event {events:2}: {zone:<13} ${fare:.2f}", flush=True)
        if options.work:
            time.sleep(options.work)
            print(f"[{options.way}] event {events:2}: done", flush=True)
        handled += 1
        if events == options.kill_after:  # handled, and not acknowledged yet
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows has no KILL

    run = {"redis": consume_redis, "forget": forget, "rabbitmq": consume_rabbitmq}[options.way]
    if problem := who_is_missing(options.way):
        print(f"{problem}. {START}", file=sys.stderr)
        return 1
    try:
        run(options.name, options.count, handle)
    except NotImplementedError as error:
        print(not_filled_in(error), file=sys.stderr)
        return 1
    except (redis.ConnectionError, pika.exceptions.AMQPConnectionError) as error:
        print(f"the server ended the connection: {error!r}. {START}", file=sys.stderr)
        return 1
    except pika.exceptions.ChannelClosedByBroker as error:
        if "inequivalent" not in error.reply_text:
            raise
        print(f"the queue exists with other settings ({error.reply_text}). {ANEW}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"stopped; events handled: {handled}", file=sys.stderr)
        return 130
    return 0


def ask() -> argparse.Namespace:
    """Parse the demo that is asked for, and its options."""
    parser = argparse.ArgumentParser(description="Consume trips from a broker.")
    ways = parser.add_subparsers(dest="way", required=True)
    for name, what in (
        ("redis", "subscribe with redis_consumer()"),
        ("forget", "publish to nobody, then subscribe"),
        ("rabbitmq", "consume with rabbitmq_consumer()"),
    ):
        way = ways.add_parser(name, help=what)
        way.add_argument("--name", default="taxi_events", help="channel or queue (taxi_events)")
        way.add_argument("--count", type=int, default=15, help="stop after that many (default 15)")
        way.add_argument("--work", type=float, default=0, help="seconds that an event takes (0)")
        way.add_argument("--kill-after", type=int, metavar="N", help="die when N are handled")
    return parser.parse_args()


def who_is_missing(way: str) -> str:
    """Why the demo's server cannot be used, such as "no Redis answers at localhost:6379"."""
    if way == "rabbitmq":
        there = pika.URLParameters(RABBITMQ)
        login = there.credentials
        problem = rabbitmq_problem(
            there.host, there.port, login.username, login.password, there.virtual_host
        )
        return problem and f"{problem} at {there.host}:{there.port}"
    problem = redis_problem(REDIS)
    return problem and f"{problem} at {urlsplit(REDIS).netloc.rpartition('@')[2]}"


def connect() -> redis.Redis:
    """Connect to the demos' Redis."""
    return redis.Redis.from_url(REDIS)


def consume_redis(channel: str, count: int, handle: Handler) -> None:
    """Subscribe, and say when the producer may start."""

    def ready() -> None:
        print(f"subscribed to {channel}; start the producer now", flush=True)

    redis_pubsub.redis_consumer(connect(), channel, handle, max_events=count, ready=ready)


def forget(channel: str, _count: int, _handle: Handler) -> None:
    """Publish five events to nobody, subscribe, and look what is there."""
    client = connect()
    trips: list[dict[str, Any]] = [{"event_id": 100_001 + n} for n in range(5)]
    lost = redis_pubsub.publish_events(client, channel, trips)
    print(f"published {len(trips)} events, {len(lost)} of them to nobody")
    with client.pubsub() as subscription:
        subscription.subscribe(channel)
        while (message := subscription.get_message(timeout=2)) is not None:
            print(f"received: {message['type']} {message['data']}")
    print("and then nothing for 2 s: what nobody received is gone")


def consume_rabbitmq(queue: str, count: int, handle: Handler) -> None:
    """Consume what waits in the queue, and what comes."""
    rabbitmq.rabbitmq_consumer(pika.URLParameters(RABBITMQ), queue, handle, max_events=count)


if __name__ == "__main__":
    with printable():
        sys.exit(main())
