"""Two threads: pika is used in one of them only."""

import contextlib
import json
import queue as queues
import threading
import time
from pathlib import Path

import pika

MAX_BYTES = 1048576
PERSISTENT = pika.BasicProperties(delivery_mode=2)


@contextlib.contextmanager
def opened(parameters, queue):
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        channel.queue_declare(queue + ".dead", durable=True)
        channel.queue_declare(queue, durable=True, arguments={
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": queue + ".dead",
        })
        yield connection, channel


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    path, offset_path = Path(path), Path(offset_path)
    total = 0
    with opened(parameters, queue) as (connection, channel):
        channel.confirm_delivery()
        for poll in range(max_polls):
            if poll:
                sleep(poll_interval)
                connection.process_data_events(0)
            if not path.exists():
                continue
            with contextlib.suppress(FileNotFoundError):
                offset = int(offset_path.read_bytes() or b"0") if offset_path.exists() else 0
                if path.stat().st_size < offset:
                    offset = 0
                    remember(offset_path, offset)
                with path.open("rb") as file:
                    file.seek(offset)
                    while (line := file.readline()).endswith(b"\n"):
                        offset = file.tell()
                        with contextlib.suppress(ValueError):
                            if isinstance(json.loads(line), dict):
                                channel.basic_publish("", queue, line.strip(), PERSISTENT, mandatory=True)
                                total += 1
                        remember(offset_path, offset)
    return total


def remember(offset_path, offset):
    aside = offset_path.with_name(offset_path.name + ".part")
    aside.write_text(f"{offset}\n")
    aside.replace(offset_path)


class Sender(threading.Thread):
    """Sends the batches that it is given, and answers with the ids that SQS has, or an exception."""

    def __init__(self, sqs, url):
        super().__init__(daemon=True)
        self.sqs, self.url = sqs, url
        self.batches, self.answers = queues.SimpleQueue(), queues.SimpleQueue()

    def run(self):
        while (entries := self.batches.get()) is not None:
            try:
                answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
                self.answers.put({each["Id"] for each in answer.get("Successful", [])})
            except Exception as error:
                self.answers.put(error)


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    sender = Sender(sqs, queue_url)
    sender.start()
    try:
        with opened(parameters, queue) as (connection, channel):
            channel.basic_qos(prefetch_count=batch_size)
            return pump(connection, channel, queue, sender, max_idle, batch_size, stop)
    finally:
        sender.batches.put(None)


def pump(connection, channel, queue, sender, max_idle, batch_size, stop):
    sent, batch, quiet = 0, {}, time.monotonic()
    for method, _, body in channel.consume(queue, inactivity_timeout=0.15):
        if stop():
            return sent
        if method is None and not batch:
            if time.monotonic() - quiet >= max_idle:
                return sent
            continue
        ready = method is None
        late = None
        if method is not None:
            quiet = time.monotonic()
            entry = as_entry(str(method.delivery_tag), body, sender.url)
            if entry is None:
                channel.basic_nack(method.delivery_tag, requeue=False)
                continue
            if sum(len(e["MessageBody"].encode()) for e in batch.values()) + len(body) > MAX_BYTES:
                late, ready = entry, True
            else:
                batch[entry["Id"]] = entry
                ready = len(batch) == batch_size
        while ready and batch:
            sender.batches.put(list(batch.values()))
            while sender.answers.empty():
                if stop() and gave_up(sender, connection):
                    return sent
                connection.process_data_events(time_limit=0.005)
                time.sleep(0.005)
            taken = sender.answers.get()
            if isinstance(taken, Exception):
                raise taken
            for tag in taken:
                channel.basic_ack(int(tag))
                del batch[tag]
            sent += len(taken)
            for _ in range(4 if batch else 0):
                if stop():
                    return sent
                connection.sleep(0.1)
            quiet = time.monotonic()
        if late:
            batch[late["Id"]] = late
    raise pika.exceptions.ConsumerCancelled


def gave_up(sender, connection):
    """Give SQS half a second more to answer."""
    for _ in range(10):
        if not sender.answers.empty():
            return False
        connection.sleep(0.05)
    return True


def as_entry(key, body, url):
    try:
        text = body.decode()
        if not 0 < len(body) <= MAX_BYTES:
            return None
        if not url.endswith(".fifo"):
            return dict(Id=key, MessageBody=text)
        event = json.loads(text)
        return dict(
            Id=key,
            MessageBody=text,
            MessageGroupId=event["pickup_zone"].replace(" ", "-"),
            MessageDeduplicationId=str(event["event_id"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
