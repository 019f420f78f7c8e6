"""The offset file is an SQLite database."""

import json
import os
import sqlite3
import time
from contextlib import closing

import pika


def declare(channel, queue):
    channel.queue_declare(queue + ".dead", durable=True)
    channel.queue_declare(queue, durable=True, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue + ".dead"})


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    moved = 0
    with closing(sqlite3.connect(os.fspath(offset_path))) as db, pika.BlockingConnection(parameters) as connection:
        db.execute("create table if not exists place (id integer primary key check (id = 1), at integer)")
        db.commit()
        channel = connection.channel()
        declare(channel, queue)
        returned = []
        channel.add_on_return_callback(lambda *a: returned.append(a))
        channel.tx_select()
        for n in range(max_polls):
            if n:
                sleep(poll_interval)
                connection.process_data_events(0)
            row = db.execute("select at from place").fetchone()
            at = row[0] if row else 0
            try:
                file = open(path, "rb")
            except FileNotFoundError:
                continue
            with file:
                if file.seek(0, 2) < at:
                    at = 0
                file.seek(at)
                pending = 0
                for line in file:
                    if line[-1:] != b"\n":
                        break
                    at += len(line)
                    try:
                        event = json.loads(line)
                    except ValueError:
                        continue
                    if type(event) is dict:
                        channel.basic_publish("", queue, line[:-1], pika.BasicProperties(delivery_mode=2), mandatory=True)
                        pending += 1
                    if pending == 8:
                        moved += commit(channel, returned, db, at, pending)
                        pending = 0
                moved += commit(channel, returned, db, at, pending)
    return moved


def commit(channel, returned, db, at, pending):
    if pending:
        channel.tx_commit()
        channel.connection.process_data_events(0)
        if returned:
            raise RuntimeError("a message was returned")
    with db:
        db.execute("insert into place values (1, ?) on conflict (id) do update set at = excluded.at", (at,))
    return pending


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    sent = 0
    fifo = queue_url.endswith(".fifo")
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        declare(channel, queue)
        channel.basic_qos(prefetch_count=batch_size)
        silent = 0.0
        step = min(0.2, max_idle)
        batch = {}
        for method, _, body in channel.consume(queue, inactivity_timeout=step):
            if stop():
                return sent
            if method:
                silent = 0.0
                entry = make(method.delivery_tag, body, fifo)
                if entry is None:
                    channel.basic_reject(method.delivery_tag, requeue=False)
                    continue
                if batch and sum(len(e["MessageBody"].encode()) for e in batch.values()) + len(body) > 1048576:
                    sent += send_all(sqs, queue_url, channel, batch, stop)
                    if batch:
                        return sent
                batch[entry["Id"]] = entry
            else:
                silent += step
            if batch and (not method or len(batch) == batch_size):
                sent += send_all(sqs, queue_url, channel, batch, stop)
                if batch:
                    return sent
            if silent >= max_idle:
                return sent
    raise RuntimeError("cancelled by the broker")


def send_all(sqs, url, channel, batch, stop):
    """Send with SendMessageBatch; a refused entry alone after that, up to five times."""
    done = 0
    for attempt in range(6):
        answer = sqs.send_message_batch(QueueUrl=url, Entries=list(batch.values()))
        for ok in answer.get("Successful", []):
            channel.basic_ack(int(ok["Id"]))
            batch.pop(ok["Id"])
            done += 1
        if not batch or stop():
            return done
        channel.connection.sleep(0.15)
    raise RuntimeError("SQS goes on refusing")


def make(tag, body, fifo):
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    if text == "" or len(body) > 1048576:
        return None
    entry = {"Id": str(tag), "MessageBody": text}
    if fifo:
        try:
            event = json.loads(text)
        except ValueError:
            return None
        if not isinstance(event, dict) or "event_id" not in event or "pickup_zone" not in event:
            return None
        entry |= {"MessageGroupId": event["pickup_zone"].replace(" ", "-"), "MessageDeduplicationId": str(event["event_id"])}
    return entry
