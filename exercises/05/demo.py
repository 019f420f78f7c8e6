"""Watch your own functions at work, against the Redis of `grader services up`.

python exercises/05/demo.py consume --group fares --consumer ana
python exercises/05/demo.py consume --work 3
python exercises/05/demo.py consume --consumer ben --idle 5
python exercises/05/demo.py consume --kill-after 3
python exercises/05/demo.py consume --fail 2 --idle 1
python exercises/05/demo.py replay
python exercises/05/demo.py lag
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

import redis
import redis_streams

from grader.host.standard_streams import printable
from grader.learn.demo import not_filled_in
from grader.services.redis.answering import redis_problem

Handler = Callable[[dict[str, Any]], None]
REDIS = os.environ.get("REDIS_URL", "redis://localhost:6379")
START = "Start the servers with: grader services up"


def main() -> int:
    """Run one demo; exit code 1 when the server or your function is missing."""
    options = ask()
    if problem := redis_problem(REDIS):
        where = urlsplit(REDIS).netloc.rpartition("@")[2]
        print(f"{problem} at {where}. {START}", file=sys.stderr)
        return 1
    try:
        options.run(redis.Redis.from_url(REDIS), options)
    except NotImplementedError as error:
        print(not_filled_in(error), file=sys.stderr)
        return 1
    except redis.ConnectionError as error:
        print(f"the server ended the connection: {error!r}. {START}", file=sys.stderr)
        return 1
    except redis.ResponseError as error:
        if not str(error).startswith("WRONGTYPE"):
            raise
        print(f"{options.stream} is no stream: choose another --stream", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def ask() -> argparse.Namespace:
    """Parse the demo that is asked for, and its options."""
    parser = argparse.ArgumentParser(description="Use a Redis stream with your own functions.")
    ways = parser.add_subparsers(dest="way", required=True)
    for run, what in (
        (consume, "handle entries with stream_consumer()"),
        (replay, "handle everything again with replay()"),
        (lag, "print the lag of each group, by lag()"),
    ):
        way = ways.add_parser(run.__name__, help=what)
        way.set_defaults(run=run)
        way.add_argument("--stream", default="taxi_events", help="the stream (taxi_events)")
        if run is consume:
            way.add_argument("--group", default="fares", help="the group (fares)")
            way.add_argument("--consumer", default="ana", help="this consumer's name (ana)")
            way.add_argument("--count", type=int, default=15, help="stop after that many (15)")
            way.add_argument("--work", type=float, default=0, help="seconds that an event takes")
            way.add_argument("--idle", type=float, default=30, help="seconds until a claim (30)")
            way.add_argument("--kill-after", type=int, metavar="N", help="die when N are handled")
            way.add_argument("--fail", type=int, metavar="N", help="always fail for the Nth event")
    return parser.parse_args()


def consume(client: redis.Redis, options: argparse.Namespace) -> None:
    """Consume until enough came, or five reads in a row were empty."""
    name = f"{options.group} {options.consumer}"
    say = printer(name)
    seen: list[dict[str, Any]] = []

    def handle(event: dict[str, Any]) -> None:
        if event not in seen:
            seen.append(event)
        number = seen.index(event) + 1
        say(number, event)
        if options.work:
            time.sleep(options.work)
            print(f"[{name}] event {number:2}: done", flush=True)
        if number == options.fail:
            raise RuntimeError("this one always fails")
        if number == options.kill_after:  # handled, and not acknowledged yet
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows has no KILL

    count = redis_streams.stream_consumer(
        client,
        options.stream,
        options.group,
        options.consumer,
        handle,
        max_events=options.count,
        idle_ms=int(options.idle * 1000),
    )
    print(f"[{name}] {count} events handled")


def replay(client: redis.Redis, options: argparse.Namespace) -> None:
    """Handle all that the stream holds, once more."""
    say = printer("replay")
    numbers = iter(range(1, 1_000_000))
    count = redis_streams.replay(client, options.stream, lambda event: say(next(numbers), event))
    print(f"[replay] {count} events handled")


def lag(client: redis.Redis, options: argparse.Namespace) -> None:
    """Print the lag of each group of the stream."""
    if not client.exists(options.stream):
        print(f"the stream {options.stream} does not exist yet")
        return
    for info in client.xinfo_groups(options.stream):
        group = info["name"].decode()
        print(f"{group}: {redis_streams.lag(client, options.stream, group)}")


def printer(name: str) -> Callable[[int, dict[str, Any]], None]:
    """Return what prints a line for an event."""

    def say(number: int, event: dict[str, Any]) -> None:
        zone, fare = event["pickup_zone"], event["fare_estimate"]
        print(f"[{name}] event {number:2}: {zone:<13} ${fare:.2f}", flush=True)

    return say


if __name__ == "__main__":
    with printable():
        sys.exit(main())
