"""A student's: basic_get, one event at a time."""
import json
import os
import time

import pika


def declare(channel, queue):
    """A dead-letter exchange of its own, as RabbitMQ's documentation shows it."""
    channel.exchange_declare(queue + ".dlx", exchange_type="fanout", durable=True)
    channel.queue_declare(queue + ".dead", durable=True)
    channel.queue_bind(queue + ".dead", queue + ".dlx")
    channel.queue_declare(queue, durable=True, arguments={"x-dead-letter-exchange": queue + ".dlx"})


def load_offset(offset_path):
    try:
        with open(offset_path) as f:
            text = f.read().strip()
    except FileNotFoundError:
        return 0
    return int(text) if text else 0


def save_offset(offset_path, offset):
    tmp = str(offset_path) + ".tmp"
    with open(tmp, "w") as f:
        f.write(str(offset))
        f.flush()
        os.fsync(f.fileno())
    os.replace(tmp, offset_path)


def parse(line):
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    moved = 0
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        declare(channel, queue)
        channel.confirm_delivery()
        for n in range(max_polls):
            if n > 0:
                sleep(poll_interval)
            offset = load_offset(offset_path)
            try:
                f = open(path, "rb")
            except FileNotFoundError:
                if offset:
                    save_offset(offset_path, 0)
                continue
            with f:
                if os.fstat(f.fileno()).st_size < offset:
                    offset = 0
                    save_offset(offset_path, 0)
                f.seek(offset)
                while True:
                    line = f.readline()
                    if not line.endswith(b"\n"):
                        break
                    offset += len(line)
                    event = parse(line)
                    if event is not None:
                        channel.basic_publish(
                            "",
                            queue,
                            json.dumps(event).encode(),
                            pika.BasicProperties(delivery_mode=2),
                            mandatory=True,
                        )
                        moved += 1
                    save_offset(offset_path, offset)
    finally:
        if connection.is_open:
            connection.close()
    return moved


LIMIT = 1024 * 1024


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    fifo = queue_url.endswith(".fifo")
    sent = 0
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        declare(channel, queue)
        batch = []
        size = 0
        last = time.monotonic()
        carried = None
        while not stop():
            if carried is not None:
                method, body = carried
                carried = None
            else:
                method, _, body = channel.basic_get(queue)
            if method is not None:
                last = time.monotonic()
                entry = make_entry(method, body, fifo)
                if entry is None:
                    channel.basic_reject(method.delivery_tag, requeue=False)
                    continue
                if size + len(body) > LIMIT:
                    carried = (method, body)
                    if len(batch) >= batch_size:
                        raise AssertionError
                else:
                    batch.append(entry)
                    size += len(body)
            if batch and (method is None or carried or len(batch) == batch_size):
                sent += send(channel, sqs, queue_url, batch, stop)
                batch = []
                size = 0
            elif method is None:
                if time.monotonic() - last >= max_idle:
                    break
                connection.sleep(0.05)
        return sent
    finally:
        if connection.is_open:
            connection.close()


def make_entry(method, body, fifo):
    if not body or len(body) > LIMIT:
        return None
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    entry = {"Id": str(method.delivery_tag), "MessageBody": text}
    if fifo:
        event = parse(body)
        if event is None or "event_id" not in event or "pickup_zone" not in event:
            return None
        entry["MessageGroupId"] = str(event["pickup_zone"]).replace(" ", "-")
        entry["MessageDeduplicationId"] = str(event["event_id"])
    return entry


def send(channel, sqs, queue_url, batch, stop):
    sent = 0
    pause = 0.1
    for attempt in range(8):
        answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=batch)
        for each in answer.get("Successful", []):
            channel.basic_ack(int(each["Id"]))
            sent += 1
        failed = {each["Id"] for each in answer.get("Failed", [])}
        batch = [entry for entry in batch if entry["Id"] in failed]
        if not batch or stop():
            return sent
        channel.connection.sleep(pause)
        pause = min(0.2, pause * 2)
    raise RuntimeError(f"SQS refused {len(batch)} entries 8 times")
