"""consume() with an inactivity timeout; batches of ten confirmed before the offset is stored."""

from __future__ import annotations

import json
import os
import tempfile
import time
from itertools import islice
from pathlib import Path

import pika

MAX_BYTES = 1_048_576
TICK = 0.1


def declare_queue(channel, queue):
    dead = f"{queue}.dead"
    channel.queue_declare(dead, durable=True)
    channel.queue_declare(queue, durable=True, arguments={
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})


def lines_from(path, offset):
    """Yield (line, offset after it) for each complete line."""
    with open(path, "rb") as file:
        file.seek(offset)
        for line in file:
            if line[-1:] != b"\n":
                return
            offset += len(line)
            yield line, offset


def read_offset(offset_path):
    path = Path(offset_path)
    return json.loads(path.read_text() or '{"offset": 0}')["offset"] if path.exists() else 0


def write_offset(offset_path, offset):
    target = Path(offset_path)
    with tempfile.NamedTemporaryFile("w", dir=target.parent, delete=False) as temporary:
        json.dump({"offset": offset}, temporary)
    os.replace(temporary.name, target)


def as_event(line):
    try:
        event = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    total = 0
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.confirm_delivery()
        properties = pika.BasicProperties(delivery_mode=2, content_type="application/json")
        for poll in range(max_polls):
            if poll:
                sleep(poll_interval)
                connection.process_data_events(0)
            if not os.path.exists(path):
                write_offset(offset_path, 0)
                continue
            offset = read_offset(offset_path)
            if os.path.getsize(path) < offset:
                write_offset(offset_path, offset := 0)
            lines = lines_from(path, offset)
            while chunk := list(islice(lines, 10)):
                for line, _ in chunk:
                    if as_event(line) is not None:
                        channel.basic_publish("", queue, line.rstrip(b"\r\n"), properties, mandatory=True)
                        total += 1
                write_offset(offset_path, chunk[-1][1])
    return total


class Batch:
    def __init__(self, size):
        self.size = size
        self.entries = {}
        self.bytes = 0

    def fits(self, body):
        return self.bytes + len(body) <= MAX_BYTES and len(self.entries) < self.size

    def add(self, tag, entry, body):
        self.entries[tag] = entry
        self.bytes += len(body)

    @property
    def full(self):
        return len(self.entries) >= self.size


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    fifo = queue_url.endswith(".fifo")
    taken = 0

    def flush():
        nonlocal taken, batch
        for delay in (0.05, 0.1, 0.2, 0.2, 0.2, None):
            answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=[*batch.entries.values()])
            for each in answer.get("Successful", ()):
                tag = next(t for t, e in batch.entries.items() if e["Id"] == each["Id"])
                channel.basic_ack(tag)
                del batch.entries[tag]
                taken += 1
            if not batch.entries:
                batch = Batch(batch_size)
                return True
            if stop():
                return False
            if delay is None:
                raise RuntimeError(f"SQS keeps refusing: {answer['Failed']}")
            connection.sleep(delay)

    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=batch_size)
        batch = Batch(batch_size)
        quiet_since = time.monotonic()
        for method, _, body in channel.consume(queue, inactivity_timeout=TICK):
            if stop():
                if method is not None:
                    channel.basic_nack(method.delivery_tag, requeue=True)
                break
            if method is None:
                if batch.entries and not flush():
                    break
                if time.monotonic() - quiet_since >= max_idle:
                    break
                continue
            quiet_since = time.monotonic()
            tag = method.delivery_tag
            entry = entry_of(tag, body, fifo)
            if entry is None:
                channel.basic_nack(tag, requeue=False)
                continue
            if not batch.fits(body) and not flush():
                break
            batch.add(tag, entry, body)
            if batch.full and not flush():
                break
        else:
            raise RuntimeError(f"somebody deleted {queue}")
        channel.cancel()
    return taken


def entry_of(tag, body, fifo):
    if not 0 < len(body) <= MAX_BYTES:
        return None
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    entry = {"Id": str((as_event(body) or {}).get("event_id", tag)), "MessageBody": text}
    if fifo:
        event = as_event(body)
        try:
            entry["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
            entry["MessageDeduplicationId"] = str(event["event_id"])
        except (KeyError, TypeError, AttributeError):
            return None
    return entry
