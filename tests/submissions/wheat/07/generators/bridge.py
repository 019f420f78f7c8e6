"""lines | events | queue; queue | messages | batches | SQS."""

import json
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pika
import pika.exceptions

ATTRIBUTES = {"EventType": {"DataType": "String", "StringValue": "trip_start"}}
OVERHEAD = len("EventType" "String" "trip_start")
LIMIT = 1_048_576 - OVERHEAD


def complete_lines(path, start):
    with open(path, "rb") as file:
        file.seek(start)
        yield from (line for line in iter(file.readline, b"") if line.endswith(b"\n"))


def with_ends(lines, end):
    for line in lines:
        end += len(line)
        yield line, end


def events(pairs):
    for line, end in pairs:
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        yield (event if isinstance(event, dict) else None), end


def declared(stack, parameters, queue):
    connection = stack.enter_context(pika.BlockingConnection(parameters))
    channel = connection.channel()
    channel.queue_declare(queue=f"{queue}.dead", durable=True)
    channel.queue_declare(
        queue=queue,
        durable=True,
        arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{queue}.dead"},
    )
    return channel


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    path, kept = Path(path), Path(offset_path)
    moved = 0
    with ExitStack() as stack:
        channel = declared(stack, parameters, queue)
        channel.confirm_delivery()
        for number in range(max_polls):
            number and sleep(poll_interval)
            try:
                offset = int(kept.read_text() or 0)
            except FileNotFoundError:
                offset = 0
            try:
                size = path.stat().st_size
            except FileNotFoundError:
                continue
            if size < offset:
                offset = 0
                keep(kept, 0)
            since = 0
            for event, offset in events(with_ends(complete_lines(path, offset), offset)):
                if event is not None:
                    channel.basic_publish(
                        exchange="",
                        routing_key=queue,
                        body=json.dumps(event, ensure_ascii=True).encode("ascii"),
                        properties=pika.BasicProperties(delivery_mode=2),
                        mandatory=True,
                    )
                    moved += 1
                since += 1
                if since == 5:
                    keep(kept, offset)
                    since = 0
            keep(kept, offset)
    return moved


def keep(kept, offset):
    new = kept.parent / f".{kept.name}"
    new.write_text(str(offset))
    new.rename(kept)


def messages(channel, queue, max_idle, stop):
    """Each message; None for a moment of silence; it ends after max_idle, and after stop()."""
    last = time.monotonic()
    for method, _, body in channel.consume(queue, inactivity_timeout=0.1):
        if stop():
            return
        if method is not None:
            yield method.delivery_tag, body
            last = time.monotonic()
        elif time.monotonic() - last < max_idle:
            yield None
            # What the other side did meanwhile is not silence.
        else:
            return
    raise pika.exceptions.ConsumerCancelled()


def batches(channel, found, fifo, most):
    batch, size = {}, 0
    for message in found:
        if message is None:
            if batch:
                yield batch
                batch, size = {}, 0
            continue
        tag, body = message
        entry = entry_of(body, fifo)
        if entry is None:
            channel.basic_nack(tag, requeue=False)
            continue
        if size + len(body) + OVERHEAD > LIMIT + OVERHEAD:
            yield batch
            batch, size = {}, 0
        batch[tag] = entry
        size += len(body) + OVERHEAD
        if len(batch) >= most:
            yield batch
            batch, size = {}, 0


def entry_of(body, fifo):
    try:
        entry = {"MessageBody": body.decode(), "MessageAttributes": ATTRIBUTES}
        event = json.loads(body)
        if fifo:
            entry["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
            entry["MessageDeduplicationId"] = str(event["event_id"])
    except (ValueError, TypeError, KeyError):
        return None
    return entry if isinstance(event, dict) and len(body) <= LIMIT else None


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    sent = 0
    with ExitStack() as stack:
        channel = declared(stack, parameters, queue)
        channel.basic_qos(prefetch_count=batch_size)
        found = stack.enter_context(closing(messages(channel, queue, max_idle, stop)))
        for batch in batches(channel, found, queue_url.endswith(".fifo"), batch_size):
            for taken in sendings(sqs, queue_url, batch, channel.connection, stop):
                for tag in taken:
                    channel.basic_ack(tag)
                sent += len(taken)
    return sent


def sendings(sqs, url, batch, connection, stop):
    """Send what is left of a batch until nothing is; yield what SQS took each time."""
    left = dict(batch)
    while left:
        answer = sqs.send_message_batch(
            QueueUrl=url, Entries=[{"Id": str(tag), **entry} for tag, entry in left.items()]
        )
        taken = [int(each["Id"]) for each in answer.get("Successful", [])]
        for tag in taken:
            left.pop(tag)
        yield taken
        for _ in range(2 if left else 0):
            if stop():
                return
            connection.sleep(0.15)
