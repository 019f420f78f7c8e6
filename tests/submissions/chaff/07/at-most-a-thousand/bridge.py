"""Exercise 07: two connections that are context managers, a reader, an offset, a parcel."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pika
from pika.exceptions import ConsumerCancelled

MIB = 1 << 20


class Broker(pika.BlockingConnection):
    """A connection that knows how the queue is declared."""

    def __init__(self, parameters, queue):
        super().__init__(parameters)
        self.queue = queue
        try:
            self.on = self.channel()
            self.declare(f"{queue}.dead")
        except BaseException:
            if self.is_open:
                self.close()
            raise

    def declare(self, dead):
        self.on.queue_declare(dead, durable=True)
        self.on.queue_declare(
            self.queue,
            durable=True,
            arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead, "x-max-length": 1000},
        )


class Offset:
    def __init__(self, path):
        self.path = Path(path)

    def get(self):
        with suppress(FileNotFoundError):
            return int(self.path.read_bytes() or b"0")
        return 0

    def set(self, value):
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}-")
        with os.fdopen(handle, "wb") as file:
            file.write(b"%d" % value)
        os.replace(name, self.path)


class Reader:
    """Complete lines after the offset, with the offset behind each."""

    def __init__(self, path, offset):
        self.path = path
        self.offset = offset

    def __iter__(self):
        with suppress(FileNotFoundError), open(self.path, "rb") as file:
            place = self.offset.get()
            if file.seek(0, os.SEEK_END) < place:
                place = 0
                self.offset.set(0)
            file.seek(place)
            while (line := file.readline())[-1:] == b"\n":
                place += len(line)
                yield line, place


def as_event(text):
    with suppress(ValueError):
        value = json.loads(text)
        if isinstance(value, dict):
            return value
    return None


def collect(
    path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep
):
    offset = Offset(offset_path)
    moved = 0
    with Broker(parameters, queue) as broker:
        broker.on.confirm_delivery()
        kept = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
        for left in reversed(range(max_polls)):
            for line, place in list(Reader(path, offset)):
                if as_event(line) is not None:
                    broker.on.basic_publish("", queue, line.strip(), kept, mandatory=True)
                    moved += 1
                offset.set(place)
            if left:
                sleep(poll_interval)
                broker.process_data_events(0)
    return moved


class Unfit(Exception):
    """SQS can never take it."""


@dataclass
class Parcel:
    """A batch."""

    fifo: bool
    entries: dict = field(default_factory=dict)
    weight: int = 0

    NAME = re.compile(r"[\x21-\x7e]{1,128}")
    TEXT = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")

    def entry(self, body):
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise Unfit from None
        if len(body) > MIB or not Parcel.TEXT.fullmatch(text):
            raise Unfit
        if not self.fifo:
            return {"MessageBody": text}
        event = as_event(text)
        if event is None or not {"event_id", "pickup_zone"} <= event.keys():
            raise Unfit
        names = str(event["pickup_zone"]).replace(" ", "-"), str(event["event_id"])
        if not all(map(Parcel.NAME.fullmatch, names)):
            raise Unfit
        return {"MessageBody": text, "MessageGroupId": names[0], "MessageDeduplicationId": names[1]}

    def fits(self, body):
        return self.weight + len(body) <= MIB

    def put(self, tag, body):
        self.entries[str(tag)] = {"Id": str(tag), **self.entry(body)}
        self.weight += len(body)

    def taken(self, identity):
        self.weight -= len(self.entries.pop(identity)["MessageBody"].encode())


class Forwarder:
    LOOK = 0.05

    def __init__(self, broker, sqs, url, stop, batch_size):
        self.broker, self.sqs, self.url = broker, sqs, url
        self.should_stop = stop
        self.batch_size = batch_size
        self.inbox = deque()
        self.parcel = Parcel(url.endswith(".fifo"))
        self.sent = 0
        self.cancelled = False

    def start(self):
        self.broker.on.basic_qos(prefetch_count=self.batch_size)
        self.broker.on.add_on_cancel_callback(self.on_cancel)
        self.broker.on.basic_consume(self.broker.queue, self.on_message)

    def on_message(self, channel, method, properties, body):
        self.inbox.append((method.delivery_tag, body))

    def on_cancel(self, frame):
        self.cancelled = True

    def pack(self):
        """Move from the inbox into the parcel what fits."""
        while self.inbox and len(self.parcel.entries) < self.batch_size:
            tag, body = self.inbox[0]
            try:
                self.parcel.entry(body)
            except Unfit:
                self.inbox.popleft()
                self.broker.on.basic_reject(tag, requeue=False)
                continue
            if not self.parcel.fits(body):
                break
            self.inbox.popleft()
            self.parcel.put(tag, body)

    def post(self):
        """Send the parcel once."""
        answer = self.sqs.send_message_batch(
            QueueUrl=self.url, Entries=list(self.parcel.entries.values())
        )
        for taken in answer.get("Successful", []):
            self.broker.on.basic_ack(int(taken["Id"]))
            self.parcel.taken(taken["Id"])
            self.sent += 1

    def run(self, max_idle):
        pause, not_before = self.LOOK, 0.0
        last = time.monotonic()
        while not self.should_stop():
            self.broker.process_data_events(time_limit=min(self.LOOK, max_idle))
            if self.cancelled:
                raise ConsumerCancelled
            if self.inbox:
                last = time.monotonic()
            if not self.parcel.entries:
                self.pack()
            if self.parcel.entries:
                if time.monotonic() >= not_before:
                    self.post()
                    refused = bool(self.parcel.entries)
                    pause = min(pause * 2, 3.0) if refused else self.LOOK
                    not_before = time.monotonic() + pause if refused else 0.0
                last = time.monotonic()
            elif time.monotonic() - last >= max_idle:
                break
        return self.sent


def forward(
    parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False
):
    with Broker(parameters, queue) as broker:
        forwarder = Forwarder(broker, sqs, queue_url, stop, batch_size)
        forwarder.start()
        return forwarder.run(max_idle)
