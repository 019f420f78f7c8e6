import json
import os
import time

import pika
from pika.exceptions import ConsumerCancelled

LIMIT = 1_048_576


def declare_queue(channel, queue):
    channel.queue_declare(queue + ".dead", durable=True)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue + ".dead"}
    channel.queue_declare(queue, durable=True, arguments=arguments)


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    moved = 0
    for poll in range(max_polls):
        if poll:
            sleep(poll_interval)
        with pika.BlockingConnection(parameters) as connection:
            channel = connection.channel()
            declare_queue(channel, queue)
            channel.tx_select()
            returned = []
            channel.add_on_return_callback(lambda *message: returned.append(message))
            if os.path.exists(path):
                moved += one_poll(path, offset_path, channel, queue, returned)
    return moved


def one_poll(path, offset_path, channel, queue, returned):
    moved = 0
    offset = stored(offset_path)
    with open(path, "rb") as file:
        if file.seek(0, 2) < offset:
            offset = 0
            store(offset_path, 0)
        file.seek(offset)
        finished = False
        while not finished:
            ten = []
            while len(ten) < 10:
                line = file.readline()
                if not line.endswith(b"\n"):
                    finished = True
                    break
                ten.append(line)
            events = [line for line in ten if isinstance(read(line), dict)]
            for line in events:
                properties = pika.BasicProperties(delivery_mode=2)
                channel.basic_publish("", queue, line.strip(), properties, mandatory=True)
            channel.tx_commit()
            channel.connection.process_data_events(0)  # calls the callback for what came back
            if returned:
                raise RuntimeError(f"{len(returned)} messages could not be routed")
            moved += len(events)
            offset += sum(len(line) for line in ten)
            if ten:
                store(offset_path, offset)
    return moved


def read(line):
    try:
        return json.loads(line)
    except ValueError:
        return None


def stored(offset_path):
    try:
        return int(open(offset_path).read())
    except (FileNotFoundError, ValueError):
        return 0


def store(offset_path, offset):
    with open(f"{offset_path}.tmp", "w") as file:
        file.write(str(offset))
    os.replace(f"{offset_path}.tmp", offset_path)


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    fifo = queue_url.endswith(".fifo")
    sent = 0
    held = []
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=batch_size)
        deadline = time.monotonic() + max_idle
        for method, _, body in channel.consume(queue, inactivity_timeout=0.05):
            if stop():
                break
            if method is None:
                full = bool(held)
                if not held and time.monotonic() > deadline:
                    break
            else:
                deadline = time.monotonic() + max_idle
                item = sendable(body, fifo)
                if item is None:
                    channel.basic_reject(method.delivery_tag, requeue=False)
                    continue
                over = sum(len(each) for _, each, _ in held) + len(body) > LIMIT
                if over:
                    sent += send(channel, sqs, queue_url, held, stop)
                held.append((method.delivery_tag, body, item))
                full = len(held) == batch_size
            if full:
                sent += send(channel, sqs, queue_url, held, stop)
                deadline = time.monotonic() + max_idle
        else:
            raise ConsumerCancelled
    return sent


def sendable(body, fifo):
    event = read(body)
    if not isinstance(event, dict) or len(body) > LIMIT:
        return None
    item = {"MessageBody": body.decode()}
    if fifo:
        if event.get("event_id") is None or not event.get("pickup_zone"):
            return None
        item["MessageGroupId"] = str(event["pickup_zone"]).replace(" ", "-")
        item["MessageDeduplicationId"] = str(event["event_id"])
    return item


def send(channel, sqs, url, held, stop):
    """Send what is held, in place: the list keeps what SQS did not take before stop()."""
    taken = 0
    tries = 0
    while held and not stop():
        entries = [dict(item, Id=str(n)) for n, (_, _, item) in enumerate(held)]
        answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
        done = {int(each["Id"]) for each in answer.get("Successful", [])}
        for n in sorted(done):
            channel.basic_ack(held[n][0])
        taken += len(done)
        held[:] = [each for n, each in enumerate(held) if n not in done]
        tries += 1
        if held and tries == 8:
            raise RuntimeError("SQS does not take it")
        if held:
            channel.connection.sleep(0.2)
    return taken
