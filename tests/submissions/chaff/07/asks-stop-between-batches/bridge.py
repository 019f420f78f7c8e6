"""Exercise 07."""

import json
import os
import pathlib
import re
import time
from collections import deque

import pika


def declare_queue(channel, queue):
    channel.queue_declare(queue + ".dead", durable=True)
    channel.queue_declare(
        queue,
        durable=True,
        arguments={
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": queue + ".dead",
        },
    )


def load_offset(offset_path):
    try:
        with open(offset_path) as file:
            return int(file.read() or 0)
    except FileNotFoundError:
        return 0


def store_offset(offset_path, offset):
    aside = f"{os.fspath(offset_path)}.new"
    with open(aside, "w") as file:
        file.write(str(offset))
    os.replace(aside, offset_path)


def event_of(raw):
    """The event in a line or a body, or None."""
    try:
        event = json.loads(raw.decode("utf-8"))
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0,
            sleep=time.sleep):
    moved = 0
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.confirm_delivery()
        for number in range(max_polls):
            if number:
                sleep(poll_interval)
                connection.process_data_events(0)  # answers heartbeats
            moved += collect_once(path, offset_path, channel, queue)
    return moved


def collect_once(path, offset_path, channel, queue):
    offset = load_offset(offset_path)
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        if offset:
            store_offset(offset_path, 0)
        return 0
    moved = 0
    with file:
        if os.fstat(file.fileno()).st_size < offset:
            offset = 0
            store_offset(offset_path, offset)
        file.seek(offset)
        while (line := file.readline()).endswith(b"\n"):
            event = event_of(line)
            if event is not None:
                channel.basic_publish(
                    exchange="",
                    routing_key=queue,
                    body=json.dumps(event).encode(),
                    properties=pika.BasicProperties(
                        delivery_mode=2, content_type="application/json"
                    ),
                    mandatory=True,
                )
                moved += 1
            offset += len(line)
            store_offset(offset_path, offset)
    return moved


LIMIT = 1_048_576
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def entry_of(body, tag, fifo):
    """What SQS gets for a message, or None where it can never take it."""
    if not 0 < len(body) <= LIMIT:
        return None
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if FORBIDDEN.search(text):
        return None
    entry = {"Id": str(tag), "MessageBody": text}
    if fifo:
        event = event_of(body)
        if event is None or event.get("event_id") is None:
            return None
        if not isinstance(event.get("pickup_zone"), str) or not event["pickup_zone"]:
            return None
        entry["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
        entry["MessageDeduplicationId"] = str(event["event_id"])
    return entry


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10,
            stop=lambda: False):
    fifo = queue_url.endswith(".fifo")
    taken = 0
    batch, weight = [], 0
    tick = min(0.2, max_idle)
    last = time.monotonic()
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=batch_size)

        def send():
            nonlocal batch, weight, taken
            entries, batch, weight = batch, [], 0
            pause = 0.1
            for _ in range(6):
                answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
                for done in answer.get("Successful", []):
                    channel.basic_ack(int(done["Id"]))
                    taken += 1
                again = {bad["Id"] for bad in answer.get("Failed", [])}
                entries = [entry for entry in entries if entry["Id"] in again]
                if not entries:
                    return True
                until = time.monotonic() + pause
                while time.monotonic() < until:
                    if stop():
                        return False  # closing the connection gives them back
                    connection.sleep(0.05)
                pause *= 2
            raise RuntimeError(f"SQS refuses {len(entries)} entries again and again")

        for method, _, body in channel.consume(queue, inactivity_timeout=tick):
            if method is None or not batch:
                if stop():
                    return taken
            if method is None:
                if batch:
                    if not send():
                        return taken
                elif time.monotonic() - last >= max_idle:
                    return taken
                continue
            entry = entry_of(body, method.delivery_tag, fifo)
            if entry is None:
                channel.basic_reject(method.delivery_tag, requeue=False)
            else:
                if batch and weight + len(body) > LIMIT and not send():
                    return taken
                batch.append(entry)
                weight += len(body)
                if len(batch) >= batch_size and not send():
                    return taken
            last = time.monotonic()
    raise RuntimeError(f"the consumer was cancelled: is {queue} gone?")
