"""Typed, with classes and dataclasses: what somebody with ten years of it would hand in."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

log = logging.getLogger(__name__)

SQS_LIMIT: Final = 1 << 20
PERSISTENT: Final = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)


class BridgeError(RuntimeError):
    """The bridge cannot go on; start it again."""


@dataclass(frozen=True)
class OffsetStore:
    """An offset in a file, replaced atomically."""

    path: Path

    def load(self) -> int:
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return 0
        return int(raw) if raw.strip() else 0

    def save(self, offset: int) -> None:
        aside = self.path.with_name(self.path.name + ".new")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            os.write(descriptor, b"%d\n" % offset)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(aside, self.path)
        with contextlib.suppress(OSError):
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


@contextlib.contextmanager
def open_channel(parameters: pika.ConnectionParameters, queue: str) -> Iterator[BlockingChannel]:
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        channel.queue_declare(f"{queue}.dead", durable=True)
        channel.queue_declare(
            queue,
            durable=True,
            arguments={
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": f"{queue}.dead",
            },
        )
        yield channel
    finally:
        with contextlib.suppress(AMQPError):
            connection.close()


def decode(line: bytes) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError):
        value = json.loads(line.decode("utf-8"))
        if isinstance(value, dict):
            return value
    return None


@dataclass
class Collector:
    path: Path
    store: OffsetStore
    channel: BlockingChannel
    queue: str
    moved: int = 0

    def poll(self) -> None:
        offset = self.store.load()
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            if offset:
                self.store.save(0)
            return
        with file:
            if offset > file.seek(0, os.SEEK_END):
                log.warning("%s has shrunk, starting over", self.path)
                offset = 0
                self.store.save(offset)
            file.seek(offset)
            since_save = 0
            for line in file:
                if not line.endswith(b"\n"):
                    break
                offset += len(line)
                self.publish(line)
                since_save += 1
                if since_save == 5:
                    self.store.save(offset)
                    since_save = 0
            if since_save:
                self.store.save(offset)

    def publish(self, line: bytes) -> None:
        event = decode(line)
        target = self.queue if event is not None else f"{self.queue}.dead"
        self.channel.basic_publish("", target, line.strip(), PERSISTENT, mandatory=True)
        self.moved += event is not None


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    store = OffsetStore(Path(os.fspath(offset_path)))
    with open_channel(parameters, queue) as channel:
        channel.confirm_delivery()
        collector = Collector(Path(os.fspath(path)), store, channel, queue)
        for remaining in reversed(range(max_polls)):
            collector.poll()
            if remaining:
                sleep(poll_interval)
        return collector.moved


@dataclass
class Forwarder:
    channel: BlockingChannel
    queue: str
    sqs: Any
    url: str
    batch_size: int
    stop: Callable[[], bool]
    taken: int = 0
    inbox: deque[tuple[int, bytes]] = field(default_factory=deque)
    last: float = field(default_factory=time.monotonic)

    @property
    def fifo(self) -> bool:
        return self.url.endswith(".fifo")

    def arrived(self, _channel, method, _properties, body) -> None:
        self.last = time.monotonic()
        self.inbox.append((method.delivery_tag, body))

    def run(self, max_idle: float) -> int:
        self.channel.basic_qos(prefetch_count=self.batch_size)
        self.channel.add_on_cancel_callback(self.cancelled)
        tag = self.channel.basic_consume(self.queue, self.arrived)
        stopped = False
        while not (stopped := self.stop()):
            before = len(self.inbox)
            if before < self.batch_size:
                self.channel.connection.process_data_events(time_limit=0.1)
            if self.inbox and (len(self.inbox) >= self.batch_size or len(self.inbox) == before):
                self.drain()
            if not self.inbox and time.monotonic() - self.last >= max_idle:
                break
        self.channel.basic_cancel(tag)
        return self.taken

    def cancelled(self, _frame) -> None:
        raise BridgeError(f"{self.queue} was deleted")

    def drain(self) -> None:
        while self.inbox and not self.stop():
            batch: dict[str, dict[str, Any]] = {}
            room = SQS_LIMIT
            while self.inbox and len(batch) < self.batch_size:
                tag, body = self.inbox[0]
                entry = self.entry(tag, body)
                if entry is None:
                    self.channel.basic_reject(tag, requeue=False)
                elif len(body) > room:
                    break
                else:
                    room -= len(body)
                    batch[entry["Id"]] = entry
                self.inbox.popleft()
            if batch:
                self.send(batch)

    def entry(self, tag: int, body: bytes) -> dict[str, Any] | None:
        if not body or len(body) > SQS_LIMIT:
            return None
        try:
            entry = {"Id": str(tag), "MessageBody": body.decode("utf-8")}
        except UnicodeDecodeError:
            return None
        if self.fifo:
            event = decode(body) or {}
            if event.get("event_id") is None or not event.get("pickup_zone"):
                return None
            entry["MessageGroupId"] = str(event["pickup_zone"]).replace(" ", "-")
            entry["MessageDeduplicationId"] = str(event["event_id"])
        return entry

    def send(self, batch: dict[str, dict[str, Any]]) -> None:
        pause = 0.05
        for _ in range(6):
            answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=list(batch.values()))
            for each in answer.get("Successful") or ():
                del batch[each["Id"]]
                self.channel.basic_ack(int(each["Id"]))
                self.taken += 1
            if not batch:
                return
            if not self.wait(pause * random.uniform(0.5, 1)):
                for each in batch:
                    self.channel.basic_nack(int(each), requeue=True)
                return
            pause = min(2 * pause, 1.0)
        raise BridgeError(f"SQS refused {len(batch)} entries: {answer['Failed']}")

    def wait(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.stop():
                return False
            self.channel.connection.process_data_events(time_limit=0.05)
        return not self.stop()


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    with open_channel(parameters, queue) as channel:
        return Forwarder(channel, queue, sqs, queue_url, batch_size, stop).run(max_idle)
