"""What SQS refuses goes back to the queue, or to the dead letters."""

import json
import os
import time

import pika

LIMIT = 1_048_576


def declare(channel, queue):
    dead = queue + ".dead"
    channel.queue_declare(dead, durable=True)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    channel.queue_declare(queue, durable=True, arguments=arguments)


def load(offset_path):
    try:
        with open(offset_path) as file:
            return int(file.read() or 0)
    except FileNotFoundError:
        return 0


def store(offset_path, offset):
    aside = os.fspath(offset_path) + ".new"
    with open(aside, "w") as file:
        file.write(str(offset))
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, offset_path)


def parse(line):
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    connection = pika.BlockingConnection(parameters)
    moved = 0
    try:
        channel = connection.channel()
        declare(channel, queue)
        channel.confirm_delivery()
        for number in range(max_polls):
            if number:
                sleep(poll_interval)
                connection.process_data_events(0)
            offset = load(offset_path)
            try:
                size = os.path.getsize(path)
            except FileNotFoundError:
                if offset:
                    store(offset_path, 0)
                continue
            if size < offset:
                offset = 0
                store(offset_path, 0)
            with open(path, "rb") as file:
                file.seek(offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    event = parse(line)
                    if event is not None:
                        channel.basic_publish(
                            "",
                            queue,
                            line.rstrip(b"\r\n"),
                            pika.BasicProperties(delivery_mode=2),
                            mandatory=True,
                        )
                        moved += 1
                    offset += len(line)
                    store(offset_path, offset)
    finally:
        if connection.is_open:
            connection.close()
    return moved


def entry(tag, body, fifo):
    """The entry of SQS, or None where SQS can never take it."""
    if not body or len(body) > LIMIT:
        return None
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    made = {"Id": str(tag), "MessageBody": text}
    if fifo:
        event = parse(body)
        if event is None or event.get("event_id") is None or not event.get("pickup_zone"):
            return None
        made["MessageGroupId"] = str(event["pickup_zone"]).replace(" ", "-")
        made["MessageDeduplicationId"] = str(event["event_id"])
    return made


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    connection = pika.BlockingConnection(parameters)
    sent = 0
    batch = []
    try:
        channel = connection.channel()
        declare(channel, queue)
        channel.basic_qos(prefetch_count=batch_size)
        last = time.monotonic()

        def send():
            nonlocal batch, sent
            while batch:
                answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=batch)
                for taken in answer.get("Successful", []):
                    channel.basic_ack(int(taken["Id"]))
                    sent += 1
                refused = answer.get("Failed", [])
                for each in refused:  # the sender's fault will be one next time, too
                    channel.basic_nack(int(each["Id"]), requeue=not each["SenderFault"])
                batch = []
                if refused:
                    connection.sleep(0.1)
            return True

        def size():
            return sum(len(each["MessageBody"].encode()) for each in batch)

        for method, _, body in channel.consume(queue, inactivity_timeout=min(0.2, max_idle)):
            if stop():
                return sent
            if method is None:
                if batch and not send():
                    return sent
                if time.monotonic() - last >= max_idle:
                    return sent
                continue
            last = time.monotonic()
            made = entry(method.delivery_tag, body, queue_url.endswith(".fifo"))
            if made is None:
                channel.basic_reject(method.delivery_tag, requeue=False)
                continue
            if batch and size() + len(body) > LIMIT:
                if not send():
                    return sent
            batch.append(made)
            if len(batch) >= batch_size:
                if not send():
                    return sent
        raise RuntimeError("the consumer was cancelled")
    finally:
        if connection.is_open:
            connection.close()
