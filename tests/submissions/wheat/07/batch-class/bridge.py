"""The bridge, out of small classes."""

from __future__ import annotations

import itertools
import json
import os
import tempfile
import time
from collections import OrderedDict
from contextlib import closing
from dataclasses import dataclass, field

import botocore.exceptions
import pika
import pika.exceptions


class Bookmark:
    """The offset, in a JSON file that is replaced as a whole."""

    def __init__(self, path):
        self.path = os.fspath(path)

    def get(self):
        try:
            with open(self.path) as file:
                return json.load(file)["offset"]
        except (FileNotFoundError, json.JSONDecodeError):
            return 0

    def set(self, offset):
        folder = os.path.dirname(os.path.abspath(self.path))
        descriptor, name = tempfile.mkstemp(dir=folder)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"offset": offset}, file)
        os.rename(name, self.path)


class GrowingFile:
    """The complete lines of a file after an offset."""

    def __init__(self, path):
        self.path = path

    def size(self):
        try:
            return os.stat(self.path).st_size
        except FileNotFoundError:
            return None

    def lines(self, offset):
        with open(self.path, "rb") as file:
            file.seek(offset)
            for line in file:
                if line[-1:] != b"\n":
                    break
                yield line


class Broker:
    def __init__(self, parameters, queue):
        self.queue = queue
        self.connection = pika.BlockingConnection(parameters)
        self.channel = self.connection.channel()
        self.channel.queue_declare(f"{queue}.dead", durable=True)
        self.channel.queue_declare(
            queue,
            durable=True,
            arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{queue}.dead"},
        )

    def close(self):
        if self.connection.is_open:
            self.connection.close()

    def publish(self, queue, body):
        self.channel.basic_publish(
            "", queue, body, pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent), mandatory=True
        )


def is_event(line):
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    moved = 0
    bookmark, source = Bookmark(offset_path), GrowingFile(path)
    with closing(Broker(parameters, queue)) as broker:
        broker.channel.confirm_delivery()
        for number in range(max_polls):
            if number != 0:
                sleep(poll_interval)
            size = source.size()
            if size is None:
                continue
            if size < bookmark.get():
                bookmark.set(0)
            offset = bookmark.get()
            lines = source.lines(offset)
            while ten := list(itertools.islice(lines, 10)):
                for line in ten:
                    if is_event(line):
                        broker.publish(queue, line.rstrip())
                        moved += 1
                    elif line.strip():
                        broker.publish(f"{queue}.dead", line)
                offset += sum(map(len, ten))
                bookmark.set(offset)
    return moved


@dataclass
class Batch:
    limit: int
    fifo: bool
    messages: OrderedDict = field(default_factory=OrderedDict)
    size: int = 0

    MAX_BYTES = 2**20

    def fits(self, body):
        return len(self.messages) < self.limit and self.size + len(body) <= self.MAX_BYTES

    def add(self, tag, body):
        self.messages[str(tag)] = body
        self.size += len(body)

    def remove(self, tag):
        self.size -= len(self.messages.pop(tag))

    def entries(self):
        return [{"Id": tag, **self.entry(body)} for tag, body in self.messages.items()]

    def entry(self, body):
        entry = {"MessageBody": body.decode()}
        if self.fifo:
            event = json.loads(body)
            entry["MessageGroupId"] = "-".join(event["pickup_zone"].split(" "))
            entry["MessageDeduplicationId"] = f"{event['event_id']}"
        return entry

    def can_ever_be_sent(self, body):
        if not 0 < len(body) <= self.MAX_BYTES:
            return False
        try:
            self.entry(body)
        except (ValueError, KeyError, TypeError, AttributeError):
            return False
        return True


class Forwarder:
    def __init__(self, broker, sqs, url, batch_size, stop):
        self.broker, self.sqs, self.url, self.stop = broker, sqs, url, stop
        self.batch = Batch(batch_size, url.endswith(".fifo"))
        self.sent = 0

    def run(self, max_idle):
        last = time.monotonic()
        self.broker.channel.basic_qos(prefetch_count=self.batch.limit)
        for method, _, body in self.broker.channel.consume(self.broker.queue, inactivity_timeout=0.1):
            if self.stop():
                return self.give_back(method)
            if method:
                if not self.batch.can_ever_be_sent(body):
                    self.broker.channel.basic_nack(method.delivery_tag, requeue=False)
                    continue
                if not self.batch.fits(body):
                    self.flush()
                self.batch.add(method.delivery_tag, body)
                if len(self.batch.messages) == self.batch.limit:
                    self.flush()
                last = time.monotonic()
            elif self.batch.messages:
                self.flush()
                last = time.monotonic()
            elif time.monotonic() - last > max_idle:
                self.broker.channel.cancel()
                return self.sent
        raise pika.exceptions.ConsumerCancelled()

    def flush(self):
        while self.batch.messages and not self.stop():
            try:
                answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=self.batch.entries())
            except botocore.exceptions.BotoCoreError:
                answer = {}
            except botocore.exceptions.ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                    raise
                answer = {}
            for taken in answer.get("Successful", []):
                self.broker.channel.basic_ack(int(taken["Id"]))
                self.batch.remove(taken["Id"])
                self.sent += 1
            if self.batch.messages:
                self.broker.connection.sleep(0.2)

    def give_back(self, method):
        for tag in self.batch.messages:
            self.broker.channel.basic_nack(int(tag))
        if method:
            self.broker.channel.basic_nack(method.delivery_tag)
        self.broker.channel.cancel()
        return self.sent


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    with closing(Broker(parameters, queue)) as broker:
        return Forwarder(broker, sqs, queue_url, batch_size, stop).run(max_idle)
