"""Watch your own functions at work, against the servers of `grader services up`.

python exercises/04/demo.py create
python exercises/04/demo.py consume
python exercises/04/demo.py visibility
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.exceptions
import sqs as exercise

from grader.host.standard_streams import printable
from grader.learn.demo import not_filled_in
from grader.services.sqs.answering import sqs_problem

SQS = os.environ.get("SQS_ENDPOINT_URL", "http://localhost:4566")
START = "Start the servers with: grader services up"
ANEW = "Delete it with the server: grader services down, then grader services up"


def main() -> int:
    """Run one demo; exit code 1 when the server or your function is missing."""
    parser = argparse.ArgumentParser(description="Use an SQS queue with your own functions.")
    parser.add_argument("way", choices=["create", "consume", "visibility"])
    parser.add_argument("--queue", default="taxi-events", help="the queue's name (taxi-events)")
    parser.add_argument("--count", type=int, default=15, help="events to consume (default 15)")
    options = parser.parse_args()
    run = {"create": create, "consume": consume, "visibility": visibility}[options.way]
    if problem := sqs_problem(SQS):
        print(f"{problem} at {urlsplit(SQS).netloc}. {START}", file=sys.stderr)
        return 1
    client = connect()
    try:
        run(client, options.queue, options.count)
    except NotImplementedError as error:
        print(not_filled_in(error), file=sys.stderr)
        return 1
    except botocore.exceptions.EndpointConnectionError:
        print(f"the server does not answer any more. {START}", file=sys.stderr)
        return 1
    except client.exceptions.QueueNameExists:
        print(f"the queue exists with other settings. {ANEW}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def connect() -> Any:
    """Return a client of the demos' SQS. What it sends never reaches AWS unless you say so."""
    return boto3.client(
        "sqs",
        endpoint_url=SQS,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - what every local stand-in takes
    )


def printer() -> Callable[[dict[str, Any]], None]:
    """Return a handler that prints a line for each event."""
    number = 0

    def handle(event: dict[str, Any]) -> None:
        nonlocal number
        number += 1
        zone, fare = event["pickup_zone"], event["fare_estimate"]
        print(f"[sqs] event {number:2}: {zone:<13} ${fare:.2f}", flush=True)

    return handle


def create(client: Any, queue: str, _count: int) -> None:
    """Create the queue and show what it has become."""
    url = exercise.create_queue(client, queue)
    found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    print(url)
    for name in ("VisibilityTimeout", "MessageRetentionPeriod", "RedrivePolicy"):
        print(f"  {name}: {found.get(name, 'not set')}")


def consume(client: Any, queue: str, count: int) -> None:
    """Consume until enough came, or five answers in a row were empty."""
    url = exercise.create_queue(client, queue)
    handle = exercise.once(printer(), set())
    number = exercise.sqs_consumer(client, url, handle, max_events=count)
    print(f"{number} events")


def visibility(client: Any, queue: str, _count: int) -> None:
    """Receive a message, do not delete it, and look again: at once, and after the time-out."""
    seconds = 5
    url = exercise.create_queue(client, f"{queue}-visibility", visibility_timeout=seconds)
    exercise.send_events(client, url, [{"event_id": 100_001, "pickup_zone": "Queens"}])
    for moment in ("first", "again, at once", f"again, after {seconds} s"):
        if moment.endswith(" s"):
            time.sleep(seconds + 0.5)
        messages = client.receive_message(QueueUrl=url).get("Messages", [])
        print(f"{moment}: {len(messages)} message(s)")
    client.purge_queue(QueueUrl=url)


if __name__ == "__main__":
    with printable():
        sys.exit(main())
