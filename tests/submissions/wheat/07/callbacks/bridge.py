import json
import os
import time

import pika
from botocore.exceptions import ClientError, HTTPClientError
from pika.exceptions import ConsumerCancelled

MIB = 1 << 20


def declare(channel, queue):
    dead = queue + ".dead"
    channel.queue_declare(dead, durable=True)
    channel.queue_declare(
        queue,
        durable=True,
        arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead},
    )


def event_of(data):
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        declare(channel, queue)
        channel.confirm_delivery()
        moved = 0
        polls_left = max_polls
        while polls_left:
            polls_left -= 1
            try:
                with open(path, "rb") as file:
                    moved += move(file, offset_path, channel, queue)
            except FileNotFoundError:
                pass
            if polls_left:
                sleep(poll_interval)
                connection.process_data_events(time_limit=0)
        return moved


def move(file, offset_path, channel, queue):
    offset = load(offset_path)
    if file.seek(0, os.SEEK_END) < offset:
        offset = 0
        save(offset_path, 0)
    file.seek(offset)
    *lines, _unfinished = file.read().split(b"\n")
    moved = 0
    for line in lines:
        event = event_of(line)
        if event is not None:
            properties = pika.BasicProperties(delivery_mode=2, content_type="application/json")
            channel.basic_publish("", queue, json.dumps(event), properties, True)
            moved += 1
        offset += len(line) + 1
        save(offset_path, offset)
    return moved


def load(offset_path):
    try:
        with open(offset_path, "rb") as file:
            return int(file.read() or 0)
    except FileNotFoundError:
        return 0


def save(offset_path, offset):
    new = f"{offset_path}~"
    with open(new, "wb") as file:
        file.write(b"%d" % offset)
    os.replace(new, offset_path)


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    fifo = queue_url.endswith(".fifo")
    waiting = []  # what the callback was given
    cancelled = []
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        declare(channel, queue)
        channel.basic_qos(prefetch_count=batch_size)
        channel.add_on_cancel_callback(cancelled.append)
        channel.basic_consume(queue, lambda ch, method, props, body: waiting.append((method.delivery_tag, body)))
        sent = 0
        heard = time.monotonic()
        while not stop():
            before = len(waiting)
            connection.process_data_events(time_limit=0.1)
            if cancelled:
                raise ConsumerCancelled(*cancelled)
            now = time.monotonic()
            if len(waiting) > before:
                heard = now
            if not waiting:
                if now - heard >= max_idle:
                    break
                continue
            if len(waiting) < batch_size and now - heard < min(0.3, max_idle / 2):
                continue
            sent += send(channel, sqs, queue_url, waiting, fifo, stop)
            heard = time.monotonic()
        return sent
    finally:
        if connection.is_open:
            connection.close()


def send(channel, sqs, url, waiting, fifo, stop):
    """Send a batch off the front of `waiting`; what SQS takes leaves the list."""
    batch, size = [], 0
    for tag, body in list(waiting):
        entry = entry_of(body, fifo)
        if entry is None:
            channel.basic_reject(tag, requeue=False)
            waiting.remove((tag, body))
            continue
        if size + len(body) > MIB:
            break
        batch.append((tag, body, {"Id": f"m{tag}", **entry}))
        size += len(body)
    taken = 0
    while batch and not stop():
        try:
            answer = sqs.send_message_batch(QueueUrl=url, Entries=[entry for *_, entry in batch])
        except HTTPClientError:
            pause(channel, stop)
            continue
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                raise
            pause(channel, stop)
            continue
        failed = {each["Id"] for each in answer.get("Failed", ())}
        if not failed:
            # Everything up to this tag was sent or rejected.
            channel.basic_ack(batch[-1][0], multiple=True)
        for tag, body, entry in batch:
            if entry["Id"] not in failed:
                if failed:
                    channel.basic_ack(tag)
                waiting.remove((tag, body))
                taken += 1
        batch = [each for each in batch if each[2]["Id"] in failed]
        if batch:
            pause(channel, stop)
    return taken


def pause(channel, stop):
    for _ in range(3):
        if not stop():
            channel.connection.sleep(0.1)


def entry_of(body, fifo):
    if not body or len(body) > MIB:
        return None
    try:
        entry = {"MessageBody": str(body, "utf-8")}
    except UnicodeDecodeError:
        return None
    if fifo:
        event = event_of(body) or {}
        if not {"event_id", "pickup_zone"} <= event.keys():
            return None
        entry["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
        entry["MessageDeduplicationId"] = str(event["event_id"])
    return entry
