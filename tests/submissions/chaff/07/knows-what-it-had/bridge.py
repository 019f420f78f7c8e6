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


class QueueGone(Exception):
    """The broker has cancelled our consumer."""


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10,
            stop=lambda: False):
    fifo = queue_url.endswith(".fifo")
    inbox = deque()
    gone = []
    sent = 0
    known = set()
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=batch_size)
        channel.add_on_cancel_callback(gone.append)
        channel.basic_consume(
            queue, lambda _, method, __, body: inbox.append((method.delivery_tag, body))
        )
        quiet_since = time.monotonic()
        failures = 0
        retry = set()
        while not stop():
            before = len(inbox)
            connection.process_data_events(time_limit=0.1)
            if gone:
                raise QueueGone(queue)
            if len(inbox) > before:
                quiet_since = time.monotonic()
                if len(inbox) < batch_size:
                    continue  # more may be on the way
            if not inbox:
                if time.monotonic() - quiet_since >= max_idle:
                    break
                continue
            entries, weight = [], 0
            for tag, body in list(inbox):
                if retry and tag not in retry:
                    continue  # first what was refused, alone
                event_id = (event_of(body) or {}).get("event_id")
                if event_id is not None and event_id in known:
                    channel.basic_ack(tag)  # a repeat: SQS has this event
                    inbox.remove((tag, body))
                    continue
                entry = entry_of(body, tag, fifo)
                if entry is None:
                    channel.basic_reject(tag, requeue=False)
                    inbox.remove((tag, body))
                    continue
                if entries and weight + len(body) > LIMIT:
                    break
                entries.append(entry)
                weight += len(body)
            if not entries:
                continue
            answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
            done = {int(item["Id"]) for item in answer.get("Successful", [])}
            for tag in sorted(done):
                channel.basic_ack(tag)
            known.update(
                (event_of(body) or {}).get("event_id") for tag, body in inbox if tag in done
            )
            retry = {int(item["Id"]) for item in answer.get("Failed", [])}
            inbox = keep(inbox, done)
            sent += len(done)
            quiet_since = time.monotonic()
            failures = 0 if done else failures + 1
            if failures >= 40:
                raise RuntimeError(answer["Failed"])
        return sent
    finally:
        if connection.is_open:
            connection.close()


def keep(inbox, done):
    left = [item for item in inbox if item[0] not in done]
    inbox.clear()
    inbox.extend(left)
    return inbox
