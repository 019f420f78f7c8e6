"""Exercise 07: a bridge from a file over RabbitMQ to SQS."""

import json
import os
import time

import pika
from botocore.exceptions import ClientError
from pika.exceptions import ConsumerCancelled

PERSISTENT = pika.BasicProperties(delivery_mode=2)
MAX_BYTES = 1_048_576


def collect(
    path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep
):
    moved = 0
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        declare(channel, queue)
        channel.confirm_delivery()
        for number in range(max_polls):
            if number:
                sleep(poll_interval)
            if not os.path.exists(path):
                continue
            offset = load(offset_path)
            if os.path.getsize(path) < offset:
                offset = 0
                store(offset_path, offset)
            with open(path, "rb") as file:
                file.seek(offset)
                data = file.read()
            lines = data.split(b"\n")[:-1]
            for line in lines:
                event = parse(line)
                if event is not None:
                    channel.basic_publish("", queue, line, PERSISTENT, mandatory=True)
                    moved += 1
                offset += len(line) + 1
                store(offset_path, offset)
    return moved


def forward(
    parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False
):
    sent = 0
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        declare(channel, queue)
        channel.basic_qos(prefetch_count=batch_size)
        batch = {}
        last = time.monotonic()
        for method, _, body in channel.consume(queue, inactivity_timeout=0.2):
            if stop():
                return sent
            if method is None:
                if batch:
                    sent += send(connection, channel, sqs, queue_url, batch, stop)
                    last = time.monotonic()
                elif time.monotonic() - last >= max_idle:
                    return sent
                continue
            last = time.monotonic()
            entry = make_entry(body, queue_url)
            if entry is None:
                channel.basic_reject(method.delivery_tag, requeue=False)
                continue
            if size(batch) + len(body) > MAX_BYTES:
                sent += send(connection, channel, sqs, queue_url, batch, stop)
            batch[method.delivery_tag] = entry
            if len(batch) >= batch_size:
                sent += send(connection, channel, sqs, queue_url, batch, stop)
                last = time.monotonic()
    raise ConsumerCancelled


def send(connection, channel, sqs, queue_url, batch, stop):
    """Send and acknowledge everything in the batch, unless stop() says so before."""
    sent = 0
    while batch and not stop():
        entries = [{"Id": str(tag), **entry} for tag, entry in batch.items()]
        try:
            answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                raise
            answer = {}
        for taken in answer.get("Successful", []):
            tag = int(taken["Id"])
            channel.basic_ack(tag)
            del batch[tag]
            sent += 1
        if batch:
            pause(connection, stop)
    return sent


def pause(connection, stop):
    for _ in range(3):
        if not stop():
            connection.sleep(0.1)


def make_entry(body, queue_url):
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    if not text or len(text) > MAX_BYTES:
        return None
    entry = {"MessageBody": text}
    if queue_url.endswith(".fifo"):
        event = parse(body)
        if event is None or "event_id" not in event or "pickup_zone" not in event:
            return None
        entry["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
        entry["MessageDeduplicationId"] = str(event["event_id"])
    return entry


def size(batch):
    return sum(len(entry["MessageBody"].encode()) for entry in batch.values())


def declare(channel, queue):
    channel.queue_declare(queue + ".dead", durable=True)
    channel.queue_declare(
        queue,
        durable=True,
        arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue + ".dead"},
    )


def parse(line):
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def load(offset_path):
    try:
        with open(offset_path) as file:
            return int(file.read() or 0)
    except FileNotFoundError:
        return 0


def store(offset_path, offset):
    new = str(offset_path) + ".new"
    with open(new, "w") as file:
        file.write(str(offset))
    os.replace(new, offset_path)
