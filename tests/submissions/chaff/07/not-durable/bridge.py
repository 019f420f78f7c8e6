"""Waits for SQS for ever (until stop), finishes what it holds on stop, locks out a second collect."""
import errno
import fcntl
import json
import os
import struct
import time
from collections import OrderedDict

import boto3  # noqa: F401
import botocore.exceptions
import pika

MAX = 1024 ** 2


def _declare(channel, queue):
    dead = queue + ".dead"
    channel.queue_declare(queue=dead, durable=True, exclusive=False, auto_delete=False)
    channel.queue_declare(queue=queue, arguments={
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead,
    })


class Offset:
    FORMAT = struct.Struct("<Q")

    def __init__(self, path):
        self.path = os.fspath(path)
        self.lock = None

    def __enter__(self):
        self.lock = open(self.path + ".lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_):
        self.lock.close()

    @property
    def value(self):
        try:
            with open(self.path, "rb") as f:
                data = f.read()
        except OSError as e:
            if e.errno != errno.ENOENT:
                raise
            return 0
        return self.FORMAT.unpack(data)[0] if data else 0

    @value.setter
    def value(self, new):
        with open(self.path + ".tmp", "wb") as f:
            f.write(self.FORMAT.pack(new))
            f.flush()
            os.fsync(f.fileno())
        os.rename(self.path + ".tmp", self.path)


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    n = 0
    connection = pika.BlockingConnection(parameters)
    try:
        with Offset(offset_path) as offset, connection.channel() as channel:
            _declare(channel, queue)
            channel.confirm_delivery()
            for last in [False] * (max_polls - 1) + [True]:
                n += _look(path, offset, channel, queue)
                if not last:
                    sleep(poll_interval)
        return n
    finally:
        if connection.is_open:
            connection.close()


def _look(path, offset, channel, queue):
    n = 0
    if not os.path.isfile(path):
        if offset.value:
            offset.value = 0
        return 0
    with open(path, "rb") as f:
        f.seek(0, 2)
        if f.tell() < offset.value:
            offset.value = 0
        f.seek(offset.value)
        for line in iter(f.readline, b""):
            if line[-1] != 10:
                break
            if line.isspace():
                pass
            else:
                try:
                    ok = isinstance(json.loads(line), dict)
                except ValueError:
                    ok = False
                channel.basic_publish(
                    exchange="", routing_key=queue if ok else queue + ".dead", body=line.strip(b"\r\n"),
                    properties=pika.BasicProperties(content_type="application/json", delivery_mode=2), mandatory=True)
                n += ok
            offset.value = offset.value + len(line)
    return n


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    connection = pika.BlockingConnection(parameters)
    sent = 0
    held = OrderedDict()
    heard = time.monotonic()

    def on_message(channel, method, properties, body):
        nonlocal heard
        heard = time.monotonic()
        entry = _entry(queue_url, method.delivery_tag, body)
        if entry:
            held[method.delivery_tag] = entry
        else:
            channel.basic_reject(method.delivery_tag, requeue=False)

    def send_some():
        """Send what fits into one request; acknowledge what SQS took; say whether it took all of them."""
        nonlocal sent
        entries, room = [], MAX
        for entry in held.values():
            room -= len(entry["MessageBody"].encode())
            if room < 0:
                break
            entries.append(entry)
        try:
            answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as problem:
            print("SQS:", problem)
            return False
        for each in answer.get("Successful", []):
            channel.basic_ack(int(each["Id"]))
            held.pop(int(each["Id"]))
            sent += 1
        return not answer.get("Failed")

    try:
        channel = connection.channel()
        _declare(channel, queue)
        channel.basic_qos(prefetch_count=batch_size)
        channel.basic_consume(queue, on_message)
        pause = 0.1
        first_wait = True
        while True:
            if stop():
                send_some() if held else None
                return sent
            n = len(held)
            if n < batch_size:
                connection.process_data_events(time_limit=0.05)
            if not channel.consumer_tags:
                raise RuntimeError("the queue was deleted")
            if held and (len(held) >= batch_size or len(held) == n):
                if send_some():
                    pause = 0.1
                else:
                    connection.process_data_events(time_limit=0)
                    connection.sleep(pause)
                    pause = min(pause * 1.5, 0.2)
            if not held and time.monotonic() - heard >= max_idle:
                return sent
    finally:
        if connection.is_open:
            connection.close()


def _entry(url, tag, body):
    try:
        text = body.decode("utf-8", "strict")
        entry = {"Id": f"{tag}", "MessageBody": text}
        if url.endswith(".fifo"):
            event = json.loads(text)
            entry.update(MessageGroupId=event["pickup_zone"].replace(" ", "-"), MessageDeduplicationId=str(event["event_id"]))
    except Exception:
        return None
    return entry if 0 < len(body) <= MAX else None
