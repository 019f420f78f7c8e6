"""Refused entries are nacked back into the queue, after a pause; dead letters are published, then acknowledged."""
import json
import os
import pathlib
import time
import uuid

import pika

SQS_MAX = 1048576


def setup(ch, q):
    ch.queue_declare(f"{q}.dead", durable=True)
    ch.queue_declare(q, durable=True, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{q}.dead"})


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    path, store = pathlib.Path(path), pathlib.Path(offset_path)
    conn = pika.BlockingConnection(parameters)
    moved = 0
    try:
        ch = conn.channel()
        setup(ch, queue)
        ch.confirm_delivery()
        polls = iter(range(max_polls))
        sent = set()
        next(polls)
        while True:
            offset = int(store.read_text() or 0) if store.exists() else 0
            data = path.read_bytes() if path.exists() else b""
            if len(data) < offset:
                offset = 0
                replace(store, 0)
            while (end := data.find(b"\n", offset)) >= 0:
                line, offset = data[offset:end], end + 1
                try:
                    event = json.loads(line)
                except ValueError:
                    event = None
                if isinstance(event, dict) and line not in sent:
                    sent.add(line)
                    ch.basic_publish("", queue, line, pika.BasicProperties(delivery_mode=2), mandatory=True)
                    moved += 1
                replace(store, offset)
            try:
                next(polls)
            except StopIteration:
                return moved
            sleep(poll_interval)
    finally:
        if conn.is_open:
            conn.close()


def replace(store, offset):
    new = store.with_name(f".{store.name}.{uuid.uuid4().hex}")
    new.write_text(str(offset))
    new.replace(store)


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    conn = pika.BlockingConnection(parameters)
    other = pika.BlockingConnection(parameters)  # for dead letters, with confirms of its own
    try:
        ch = conn.channel()
        setup(ch, queue)
        dead = other.channel()
        dead.confirm_delivery()
        ch.basic_qos(prefetch_count=batch_size)
        return loop(conn, ch, dead, queue, sqs, queue_url, max_idle, batch_size, stop)
    finally:
        for each in (conn, other):
            if each.is_open:
                each.close()


def loop(conn, ch, dead, queue, sqs, url, max_idle, batch_size, stop):
    fifo = url.endswith(".fifo")
    n, refused = 0, 0
    deadline = time.time() + max_idle
    while not stop():
        batch = gather(ch, dead, queue, fifo, batch_size)
        if not batch:
            if batch is not None:
                if time.time() > deadline:
                    break
                conn.sleep(0.1)
            continue
        deadline = time.time() + max_idle
        answer = sqs.send_message_batch(QueueUrl=url, Entries=batch)
        for ok in answer.get("Successful", []):
            ch.basic_ack(int(ok["Id"]))
            n += 1
        failed = answer.get("Failed", [])
        refused = refused + 1 if failed else 0
        if refused > 20:
            raise RuntimeError(failed)
        if failed:
            conn.sleep(0.2)
            for each in reversed(failed):
                ch.basic_nack(int(each["Id"]), requeue=True)
    return n


def gather(ch, dead, queue, fifo, batch_size):
    batch, size = [], 0
    while len(batch) < batch_size:
        method, properties, body = ch.basic_get(queue)
        if method is None:
            break
        entry = convert(method.delivery_tag, body, fifo)
        if entry is None:
            dead.basic_publish("", queue + ".dead", body, pika.BasicProperties(delivery_mode=2), mandatory=True)
            ch.basic_ack(method.delivery_tag)
            return batch or None
        if size + len(body) > SQS_MAX:
            ch.basic_nack(method.delivery_tag, requeue=True)
            break
        size += len(body)
        batch.append(entry)
    return batch


def convert(tag, body, fifo):
    if not body or len(body) > SQS_MAX:
        return None
    try:
        entry = {"Id": str(tag), "MessageBody": str(body, "utf-8")}
    except UnicodeDecodeError:
        return None
    if fifo:
        try:
            e = json.loads(body)
            entry["MessageGroupId"] = e["pickup_zone"].replace(" ", "-")
            entry["MessageDeduplicationId"] = str(e["event_id"])
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
    return entry
