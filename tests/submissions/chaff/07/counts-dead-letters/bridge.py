"""The offset lives in a small SQLite database; SQS refusals raise at once after two tries."""
import contextlib
import json
import os
import sqlite3
import time

import pika


class Offsets:
    def __init__(self, path):
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("CREATE TABLE IF NOT EXISTS offset (one INTEGER PRIMARY KEY CHECK (one = 1), value INTEGER)")

    def get(self):
        row = self.db.execute("SELECT value FROM offset").fetchone()
        return row[0] if row else 0

    def set(self, value):
        self.db.execute("INSERT OR REPLACE INTO offset VALUES (1, ?)", (value,))

    def close(self):
        self.db.close()


def topology(channel, queue):
    channel.queue_declare(queue + ".dead", durable=True)
    channel.queue_declare(queue, durable=True, arguments={
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue + ".dead"})


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    moved = 0
    with contextlib.ExitStack() as stack:
        offsets = stack.enter_context(contextlib.closing(Offsets(offset_path)))
        connection = stack.enter_context(pika.BlockingConnection(parameters))
        channel = connection.channel()
        topology(channel, queue)
        channel.confirm_delivery()
        poll = 0
        while True:
            moved += once(path, offsets, channel, queue)
            poll += 1
            if poll == max_polls:
                return moved
            sleep(poll_interval)


def once(path, offsets, channel, queue):
    at, moved = offsets.get(), 0
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        if at:
            offsets.set(0)
        return 0
    with file:
        if os.path.getsize(path) < at:
            offsets.set(at := 0)
        file.seek(at)
        while (line := file.readline()).endswith(b"\n"):
            with contextlib.suppress(ValueError):
                if isinstance(json.loads(line), dict):
                    body = line[:-1]
                    channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2), mandatory=True)
                    moved += 1
            offsets.set(file.tell())
    return moved


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    moved = 0
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        topology(channel, queue)
        channel.basic_qos(prefetch_count=batch_size)
        idle = 0.0
        got = 0
        batch, carry = {}, None
        messages = channel.consume(queue, inactivity_timeout=0.05)
        while idle < max_idle and not stop():
            tag = None
            if carry:
                tag, body = carry
                carry = None
            else:
                began = time.monotonic()
                method, _, body = next(messages)
                if method:
                    idle, tag = 0.0, method.delivery_tag
                    got += 1
                else:
                    idle += time.monotonic() - began
            if tag:
                if not movable(body, queue_url):
                    channel.basic_reject(tag, requeue=False)
                    continue
                if sum(map(len, batch.values())) + len(body) <= 2**20:
                    batch[tag] = body
                else:
                    carry = tag, body
            if batch and (tag is None or carry or len(batch) == batch_size):
                moved += send(sqs, queue_url, channel, batch)
                if batch:
                    connection.sleep(0.1)
                    moved += send(sqs, queue_url, channel, batch)
                if batch:
                    raise RuntimeError(f"SQS refuses {len(batch)} messages")
        channel.cancel()
    return got


def movable(body, url):
    if not body or len(body) > 2**20:
        return False
    try:
        body.decode()
        if url.endswith(".fifo"):
            event = json.loads(body)
            event["event_id"], event["pickup_zone"].strip
    except Exception:
        return False
    return True


def send(sqs, url, channel, batch):
    entries = []
    for tag, body in batch.items():
        entry = dict(Id=str(tag), MessageBody=body.decode())
        if url.endswith(".fifo"):
            event = json.loads(body)
            entry |= dict(MessageGroupId=event["pickup_zone"].replace(" ", "-"),
                          MessageDeduplicationId=f'{event["event_id"]}')
        entries.append(entry)
    taken = sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Successful", [])
    for each in taken:
        tag = int(each["Id"])
        channel.basic_ack(tag)
        batch.pop(tag)
    return len(taken)
