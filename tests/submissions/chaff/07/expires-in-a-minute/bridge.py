"""Exercise 07. One thing after the other."""

import json
import os
import time

import pika

LIMIT = 1024 * 1024
TRIES = 40


def declare(channel, queue):
    channel.queue_declare(queue=queue + ".dead", durable=True)
    channel.queue_declare(
        queue=queue,
        durable=True,
        arguments={
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": queue + ".dead",
        },
    )


def read_offset(offset_path):
    try:
        with open(offset_path, "rb") as file:
            text = file.read().strip()
    except FileNotFoundError:
        return 0
    if text == b"":
        return 0
    return json.loads(text)["offset"]


def write_offset(offset_path, offset):
    temporary = os.fspath(offset_path) + ".tmp"
    with open(temporary, "w") as file:
        json.dump({"offset": offset}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, offset_path)


def is_event(line):
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def collect(
    path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep
):
    moved = 0
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        declare(channel, queue)
        channel.confirm_delivery()
        properties = pika.BasicProperties(delivery_mode=2, expiration="60000")
        for poll_number in range(1, max_polls + 1):
            moved = moved + collect_once(path, offset_path, channel, queue, properties)
            if poll_number < max_polls:
                sleep(poll_interval)
                connection.process_data_events(0)
    finally:
        if connection.is_open:
            connection.close()
    return moved


def collect_once(path, offset_path, channel, queue, properties):
    if not os.path.exists(path):
        return 0
    moved = 0
    offset = read_offset(offset_path)
    if os.path.getsize(path) < offset:
        offset = 0
        write_offset(offset_path, offset)
    with open(path, "rb") as file:
        file.seek(offset)
        while True:
            line = file.readline()
            if not line.endswith(b"\n"):
                break
            if is_event(line):
                channel.basic_publish(
                    exchange="",
                    routing_key=queue,
                    body=line.rstrip(b"\r\n"),
                    properties=properties,
                    mandatory=True,
                )
                moved = moved + 1
            offset = offset + len(line)
            write_offset(offset_path, offset)
    return moved


def allowed_name(text):
    return 1 <= len(text) <= 128 and all("!" <= character <= "~" for character in text)


def allowed_text(text):
    for character in text:
        code = ord(character)
        if code < 32 and character not in "\t\n\r" or code in (0xFFFE, 0xFFFF):
            return False
    return True


def make_entry(tag, body, fifo):
    """The entry of a batch, or None where SQS can never take it."""
    if len(body) == 0 or len(body) > LIMIT:
        return None
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if not allowed_text(text):
        return None
    entry = {"Id": str(tag), "MessageBody": text}
    if fifo:
        try:
            event = json.loads(text)
            group = str(event["pickup_zone"]).replace(" ", "-")
            identity = str(event["event_id"])
        except (ValueError, TypeError, KeyError):
            return None
        if not allowed_name(group) or not allowed_name(identity):
            return None
        entry["MessageGroupId"] = group
        entry["MessageDeduplicationId"] = identity
    return entry


def send(sqs, queue_url, channel, batch, stop):
    """Send what is in the batch, and take out of it what SQS has. Less than all where stop() says so."""
    sent = 0
    tries = 0
    while batch and not stop():
        tries = tries + 1
        if tries > TRIES:
            raise RuntimeError("SQS refuses " + str(len(batch)) + " messages")
        answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=list(batch.values()))
        for taken in answer.get("Successful", []):
            tag = int(taken["Id"])
            channel.basic_ack(tag)
            del batch[tag]
            sent = sent + 1
        if batch:
            until = time.monotonic() + min(0.1 * tries, 2.0)
            while time.monotonic() < until and not stop():
                channel.connection.sleep(0.1)
    return sent


def forward(
    parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False
):
    sent = 0
    batch = {}
    batch_bytes = 0
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        declare(channel, queue)
        last_message = time.monotonic()
        while not stop():
            method, _, body = channel.basic_get(queue)
            if method is not None:
                last_message = time.monotonic()
                entry = make_entry(method.delivery_tag, body, queue_url.endswith(".fifo"))
                if entry is None:
                    channel.basic_reject(method.delivery_tag, requeue=False)
                    continue
                if batch_bytes + len(body) > LIMIT:
                    sent = sent + send(sqs, queue_url, channel, batch, stop)
                    if batch:
                        break
                    batch_bytes = 0
                batch[method.delivery_tag] = entry
                batch_bytes = batch_bytes + len(body)
                if len(batch) < batch_size:
                    continue
            if batch:
                sent = sent + send(sqs, queue_url, channel, batch, stop)
                if batch:
                    break
                batch_bytes = 0
                last_message = time.monotonic()
            elif time.monotonic() - last_message >= max_idle:
                break
            else:
                connection.sleep(min(0.05, max_idle))
    finally:
        # what is in hand goes back into the queue
        if connection.is_open:
            connection.close()
    return sent
