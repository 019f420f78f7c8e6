"""Watch your own functions at work, against the Kafka of `grader services up`.

python exercises/06/demo.py publish --count 15
python exercises/06/demo.py consume --group fares --member ana
python exercises/06/demo.py consume --work 3
python exercises/06/demo.py consume --member ben --session 2
python exercises/06/demo.py consume --kill-after 3
python exercises/06/demo.py consume --fail 2
python exercises/06/demo.py replay
python exercises/06/demo.py lag
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import kafka_log
from confluent_kafka import KafkaException

from grader.host.standard_streams import printable
from grader.learn.demo import not_filled_in
from grader.services.kafka.answering import kafka_problem, servers

ZONES = ("Manhattan", "Brooklyn", "Queens", "Bronx", "Staten Island")
START = "Start the servers with: grader services up"


class HandleFailedError(Exception):
    """What handle raises with --fail."""


def main() -> int:
    """Run one demo; exit code 1 when the brokers or your function are missing, or refuse."""
    options = ask()
    if problem := kafka_problem(servers()):
        print(f"{problem} at {servers()}. {START}", file=sys.stderr)
        return 1
    try:
        options.run(options)
    except NotImplementedError as error:
        print(not_filled_in(error), file=sys.stderr)
        return 1
    except HandleFailedError as error:
        print(error, file=sys.stderr)
        return 1
    except KafkaException as error:
        print(f"Kafka: {error.args[0].str()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def ask() -> argparse.Namespace:
    """Parse the demo that is asked for, and its options."""
    parser = argparse.ArgumentParser(description="Use a Kafka topic with your own functions.")
    ways = parser.add_subparsers(dest="way", required=True)
    for run, what in (
        (publish, "publish random trips with publish_events()"),
        (consume, "handle events with kafka_consumer()"),
        (replay, "handle everything again with replay()"),
        (lag, "print a group's lag, by lag()"),
    ):
        way = ways.add_parser(run.__name__, help=what)
        way.set_defaults(run=run)
        way.add_argument("--topic", default="taxi_events", help="the topic (taxi_events)")
        if run in {publish, consume}:
            way.add_argument("--count", type=int, default=15, help="stop after that many (15)")
        if run in {consume, lag}:
            way.add_argument("--group", default="fares", help="the group (fares)")
        if run is consume:
            way.add_argument("--member", default="ana", help="a name to print (ana)")
            way.add_argument("--work", type=float, default=0, help="seconds that an event takes")
            way.add_argument("--session", type=float, default=2, help="seconds of a session (2)")
            way.add_argument("--kill-after", type=int, metavar="N", help="die when N are handled")
            way.add_argument("--fail", type=int, metavar="N", help="fail for the Nth event")
    return parser.parse_args()


def settings(session: float = 2) -> dict[str, Any]:
    """Return what your functions are given: where the brokers are, and time-outs."""
    return {
        "bootstrap.servers": servers(),
        "session.timeout.ms": int(session * 1000),
        "heartbeat.interval.ms": 200,
        "message.timeout.ms": 10_000,
        "log_level": 0,
    }


def publish(options: argparse.Namespace) -> None:
    """Publish that many random trips."""
    events = [
        {
            "event_id": random.randint(100_000, 999_999),  # noqa: S311 - random trips, no secrets
            "pickup_zone": random.choice(ZONES),  # noqa: S311 - as above
            "fare_estimate": round(random.uniform(5, 85), 2),  # noqa: S311 - as above
        }
        for _ in range(options.count)
    ]
    kafka_log.publish_events(settings(), options.topic, events)
    print(f"the broker has all {options.count} events")


def consume(options: argparse.Namespace) -> None:
    """Consume until enough came."""
    name = f"{options.group} {options.member}"
    say = printer(name)
    number = 0

    def handle(event: dict[str, Any]) -> None:
        nonlocal number
        number += 1
        say(number, event)
        if options.work:
            time.sleep(options.work)
            print(f"[{name}] event {number:2}: done", flush=True)
        if number == options.fail:
            raise HandleFailedError(f"handle failed for event {number}")
        if number == options.kill_after:  # handled, and not committed yet
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows has no KILL

    count = kafka_log.kafka_consumer(
        settings(options.session),
        options.topic,
        options.group,
        handle,
        max_events=options.count,
        ready=lambda: print(f"[{name}] was given its partitions", flush=True),
    )
    print(f"[{name}] {count} events handled")


def replay(options: argparse.Namespace) -> None:
    """Handle all that the topic holds, once more."""
    say = printer("replay")
    numbers = iter(range(1, 1_000_000))
    count = kafka_log.replay(settings(), options.topic, lambda event: say(next(numbers), event))
    print(f"[replay] {count} events handled")


def lag(options: argparse.Namespace) -> None:
    """Print the lag of each partition, and the sum."""
    found = kafka_log.lag(settings(), options.topic, options.group)
    parts = ", ".join(f"partition {number}: {count}" for number, count in sorted(found.items()))
    print(f"{options.group}: {sum(found.values())} ({parts})")


def printer(name: str) -> Callable[[int, dict[str, Any]], None]:
    """Return what prints a line for an event."""

    def say(number: int, event: dict[str, Any]) -> None:
        zone, fare = event["pickup_zone"], event["fare_estimate"]
        print(f"[{name}] event {number:2}: {zone:<13} ${fare:.2f}", flush=True)

    return say


if __name__ == "__main__":
    with printable():
        sys.exit(main())
