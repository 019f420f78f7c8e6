"""Watch your own bridge at work, and kill it, against the servers of `grader services up`.

python exercises/07/demo.py collect trips.jsonl
python exercises/07/demo.py collect trips.jsonl --slow 2
python exercises/07/demo.py forward
python exercises/07/demo.py forward --slow 2 --batch 3
python exercises/07/demo.py where trips.jsonl
python exercises/07/demo.py arrived trips.jsonl
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.exceptions
import bridge
import pika
import pika.exceptions
from pika.adapters.blocking_connection import BlockingChannel

from grader.host.standard_streams import printable
from grader.learn.demo import not_filled_in
from grader.services.rabbitmq.answering import rabbitmq_problem
from grader.services.sqs.answering import sqs_problem

RABBITMQ = os.environ.get("RABBITMQ_URL", "amqp://guest:guest@localhost:5672")
SQS = os.environ.get("SQS_ENDPOINT_URL", "http://localhost:4566")
START = "Start the servers with: grader services up rabbitmq sqs"
ANEW = "Delete it with the servers: grader services down, then grader services up rabbitmq sqs"


def main() -> int:
    """Run one demo; exit code 1 when a server or your function is missing."""
    options = ask()
    if problem := who_is_missing():
        print(f"{problem}. {START}", file=sys.stderr)
        return 1
    try:
        options.run(options)
    except NotImplementedError as error:
        print(not_filled_in(error), file=sys.stderr)
        return 1
    except (pika.exceptions.AMQPConnectionError, botocore.exceptions.HTTPClientError) as error:
        print(f"a server is away: {error!r}. {START}", file=sys.stderr)
        return 1
    except pika.exceptions.ChannelClosedByBroker as error:
        if "inequivalent" not in error.reply_text:
            raise
        print(f"the queue exists with other settings ({error.reply_text}). {ANEW}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def ask() -> argparse.Namespace:
    """Parse the demo that is asked for, and its options."""
    parser = argparse.ArgumentParser(description="Move trips from a file to RabbitMQ to SQS.")
    ways = parser.add_subparsers(dest="way", required=True)
    for run, what in (
        (collect, "move what is new in the file into RabbitMQ with collect()"),
        (forward, "move it on to SQS with forward(), until SIGTERM or some seconds of silence"),
        (where, "count the events in each of the three places"),
        (arrived, "take the events out of SQS, and compare them with the file"),
    ):
        way = ways.add_parser(run.__name__, help=what)
        way.set_defaults(run=run)
        if run is not forward:
            way.add_argument("path", type=Path, help="the file with the events")
        way.add_argument("--queue", default="taxi_bridge", help="RabbitMQ's queue (taxi_bridge)")
        way.add_argument("--to", default="taxi-bridge.fifo", help="SQS's queue (taxi-bridge.fifo)")
        if run in (collect, forward):
            way.add_argument("--slow", type=float, default=0, help="seconds at each hand-over (0)")
        if run is collect:
            way.add_argument("--polls", type=int, default=1, help="looks at the file (1)")
        if run is forward:
            way.add_argument("--idle", type=float, default=2, help="seconds of silence (2)")
            way.add_argument("--batch", type=int, default=5, help="messages in a batch (5)")
    return parser.parse_args()


def who_is_missing() -> str:
    """Say why a server cannot be used, such as "no RabbitMQ answers at localhost:5672"."""
    there = pika.URLParameters(RABBITMQ)
    login = there.credentials
    problem = rabbitmq_problem(
        there.host, there.port, login.username, login.password, there.virtual_host
    )
    if problem:
        return f"{problem} at {there.host}:{there.port}"
    problem = sqs_problem(SQS)
    return problem and f"{problem} at {urlsplit(SQS).netloc}"


def collect(options: argparse.Namespace) -> None:
    """Move what is new in the file, and say what the broker has."""
    narrated = narrating(BlockingChannel.basic_publish, options.slow)
    BlockingChannel.basic_publish = narrated
    offset = options.path.with_name(f"{options.path.name}.offset")
    number = bridge.collect(
        options.path,
        offset,
        pika.URLParameters(RABBITMQ),
        options.queue,
        max_polls=options.polls,
        poll_interval=1.0,
    )
    print(f"[collect] {number} events moved", flush=True)


def narrating(publish: Callable[..., Any], slow: float) -> Callable[..., Any]:
    """Return a basic_publish that prints a line when the broker has a message, and waits."""
    number = 0

    def narrated(channel: BlockingChannel, *args: Any, **kwargs: Any) -> Any:
        nonlocal number
        answer = publish(channel, *args, **kwargs)
        number += 1
        body = kwargs.get("body", args[2] if len(args) > 2 else b"")
        print(f"[collect] event {number:2}: {name(body)} is in RabbitMQ", flush=True)
        time.sleep(slow)
        print(f"[collect] event {number:2}: now the offset", flush=True)
        return answer

    return narrated


def forward(options: argparse.Namespace) -> None:
    """Move on what is in RabbitMQ, until SIGTERM: the handler sets a flag, and stop() reads it."""
    stopping = False

    def on_sigterm(*_: object) -> None:
        nonlocal stopping
        stopping = True
        print("[forward] SIGTERM: finishing", flush=True)

    signal.signal(signal.SIGTERM, on_sigterm)
    client = connect()
    number = bridge.forward(
        pika.URLParameters(RABBITMQ),
        options.queue,
        Narrated(client, options.slow),
        url(client, options.to),
        max_idle=options.idle,
        batch_size=options.batch,
        stop=lambda: stopping,
    )
    print(f"[forward] {number} messages moved", flush=True)


class Narrated:
    """A client of SQS that prints what SQS takes, and waits before the answer is passed on."""

    def __init__(self, client: Any, slow: float) -> None:
        self._client = client
        self._slow = slow
        self._number = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def send_message_batch(self, **request: Any) -> Any:
        """Send a batch, and narrate it."""
        answer = self._client.send_message_batch(**request)
        taken = {each["Id"] for each in answer.get("Successful", [])}
        for entry in request["Entries"]:
            if entry["Id"] not in taken:
                continue
            self._number += 1
            line = f"event {self._number:2}: {name(entry['MessageBody'])} is in SQS"
            print(f"[forward] {line}, and in RabbitMQ too", flush=True)
        time.sleep(self._slow)
        print("[forward] now the acknowledgement", flush=True)
        return answer


def where(options: argparse.Namespace) -> None:
    """Count the events in the file, in RabbitMQ and in SQS."""
    print(f"file:     {len(file_ids(options.path))} events in {options.path}")
    with pika.BlockingConnection(pika.URLParameters(RABBITMQ)) as connection:
        ready, dead = (depth(connection, each) for each in (options.queue, f"{options.queue}.dead"))
    print(f"RabbitMQ: {ready} events in {options.queue}, {dead} in {options.queue}.dead")
    client = connect()
    names = ["ApproximateNumberOfMessages"]
    found = client.get_queue_attributes(QueueUrl=url(client, options.to), AttributeNames=names)
    print(f"SQS:      {found['Attributes'][names[0]]} events in {options.to}")


def depth(connection: pika.BlockingConnection, queue: str) -> int:
    """Count the messages that wait in a queue; 0 where there is none."""
    channel = connection.channel()
    try:
        found: int = channel.queue_declare(queue, passive=True).method.message_count
    except pika.exceptions.ChannelClosedByBroker:
        return 0
    return found


def arrived(options: argparse.Namespace) -> None:
    """Take everything out of SQS, and print what is missing of the file, and what came twice."""
    client = connect()
    there = url(client, options.to)
    came: list[int] = []
    while messages := client.receive_message(QueueUrl=there, MaxNumberOfMessages=10).get(
        "Messages"
    ):
        for message in messages:
            came.append(json.loads(message["Body"])["event_id"])
            client.delete_message(QueueUrl=there, ReceiptHandle=message["ReceiptHandle"])
    wanted = file_ids(options.path)
    print(f"{len(came)} messages came out of {options.to}; the file holds {len(wanted)} events")
    print(f"missing: {in_words(sorted(set(wanted) - set(came)))}")
    print(f"twice:   {in_words(key for key, times in Counter(came).items() if times > 1)}")


def file_ids(path: Path) -> list[int]:
    """Return the event_ids of the file's complete lines."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [json.loads(line)["event_id"] for line in lines if line.strip()]


def in_words(ids: Iterable[int]) -> str:
    """Join ids for a sentence."""
    return ", ".join(map(str, ids)) or "none"


def name(body: Any) -> str:
    """Name an event by its id and its zone."""
    try:
        event = json.loads(body)
        return f"{event['event_id']} {event['pickup_zone']}"
    except (ValueError, TypeError, KeyError):
        return "no event"


def connect() -> Any:
    """Return a client of the demos' SQS. What it sends never reaches AWS unless you say so."""
    return boto3.client(
        "sqs",
        endpoint_url=SQS,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - what every local stand-in takes
    )


def url(client: Any, queue: str) -> str:
    """Create SQS's queue where it is missing, and return its URL."""
    kind = {"FifoQueue": "true"} if queue.endswith(".fifo") else {}
    found: str = client.create_queue(QueueName=queue, Attributes=kind)["QueueUrl"]
    return found


if __name__ == "__main__":
    with printable():
        sys.exit(main())
