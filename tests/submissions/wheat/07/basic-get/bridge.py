"""Exercise 07 with basic_get, nothing clever."""

import json
import os
import time

import pika

LIMIT = 1024 * 1024


def connect(parameters, queue):
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.queue_declare(queue=queue + ".dead", durable=True)
    channel.queue_declare(
        queue=queue,
        durable=True,
        arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue + ".dead"},
    )
    return connection, channel


def read_offset(offset_path):
    if not os.path.exists(offset_path):
        return 0
    with open(offset_path) as f:
        text = f.read().strip()
    return int(text) if text else 0


def write_offset(offset_path, offset):
    temporary = str(offset_path) + ".tmp"
    with open(temporary, "w") as f:
        f.write(str(offset))
        f.flush()
        os.fsync(f.fileno())
    os.replace(temporary, offset_path)


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    connection, channel = connect(parameters, queue)
    try:
        channel.confirm_delivery()
        count = 0
        for i in range(max_polls):
            if i > 0:
                sleep(poll_interval)
            if not os.path.exists(path):
                continue
            offset = read_offset(offset_path)
            if os.path.getsize(path) < offset:
                offset = 0
                write_offset(offset_path, 0)
            with open(path, "rb") as f:
                f.seek(offset)
                while True:
                    line = f.readline()
                    if not line.endswith(b"\n"):
                        break
                    try:
                        event = json.loads(line)
                    except ValueError:
                        event = None
                    if isinstance(event, dict):
                        channel.basic_publish(
                            exchange="",
                            routing_key=queue,
                            body=json.dumps(event).encode(),
                            properties=pika.BasicProperties(delivery_mode=2),
                            mandatory=True,
                        )
                        count += 1
                    offset += len(line)
                    write_offset(offset_path, offset)
        return count
    finally:
        if connection.is_open:
            connection.close()


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    connection, channel = connect(parameters, queue)
    try:
        sent = 0
        batch = []
        size = 0
        last = time.monotonic()
        while True:
            if stop():
                return sent
            method, _, body = channel.basic_get(queue)
            if method is None:
                if batch:
                    sent += send(channel, sqs, queue_url, batch, stop)
                    batch, size = [], 0
                    continue
                if time.monotonic() - last >= max_idle:
                    return sent
                connection.sleep(0.05)
                continue
            last = time.monotonic()
            entry = make_entry(body, method.delivery_tag, queue_url)
            if entry is None:
                channel.basic_reject(method.delivery_tag, requeue=False)
                continue
            if size + len(body) > LIMIT:
                rest = len(batch)
                done = send(channel, sqs, queue_url, batch, stop)
                sent += done
                if done < rest:
                    return sent
                batch, size = [], 0
            batch.append(entry)
            size += len(body)
            if len(batch) == batch_size:
                sent += send(channel, sqs, queue_url, batch, stop)
                batch, size = [], 0
    finally:
        if connection.is_open:
            connection.close()


def make_entry(body, tag, queue_url):
    if len(body) > LIMIT:
        return None
    try:
        text = body.decode("utf-8")
        event = json.loads(text)
    except ValueError:
        return None
    if not isinstance(event, dict):
        return None
    entry = {"Id": str(tag), "MessageBody": text}
    if queue_url.endswith(".fifo"):
        if "event_id" not in event or "pickup_zone" not in event:
            return None
        entry["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
        entry["MessageDeduplicationId"] = str(event["event_id"])
    return entry


def send(channel, sqs, queue_url, batch, stop):
    """Send the batch; how many of it were taken before stop() said so."""
    left = list(batch)
    for attempt in range(6):
        if attempt:
            for _ in range(2 * attempt):
                if stop():
                    return len(batch) - len(left)
                channel.connection.sleep(0.1)
        answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=left)
        failed = [entry["Id"] for entry in answer.get("Failed", [])]
        for entry in left:
            if entry["Id"] not in failed:
                channel.basic_ack(int(entry["Id"]))
        left = [entry for entry in left if entry["Id"] in failed]
        if not left:
            return len(batch)
    raise RuntimeError(f"SQS refused {len(left)} entries six times")
