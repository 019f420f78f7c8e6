"""A fixed-width offset, overwritten by one write; its own SIGTERM handler with a wakeup fd, restored afterwards."""
import contextlib
import json
import os
import select
import signal
import socket
import threading
import time

import pika

WIDTH = 20


@contextlib.contextmanager
def offset_file(path):
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


def get(fd):
    return int(os.pread(fd, WIDTH, 0) or 0)


def put(fd, n):
    os.pwrite(fd, str(n).rjust(WIDTH, "0").encode(), 0)
    os.fdatasync(fd)


def connect(parameters, queue):
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.queue_declare(queue + ".dead", durable=True)
    channel.queue_declare(queue, durable=True, arguments={
        "x-queue-type": "quorum", "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue + ".dead"})
    return contextlib.closing(connection), channel


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    closing, channel = connect(parameters, queue)
    total = 0
    with offset_file(offset_path) as fd, closing:
        channel.confirm_delivery()
        for i in range(max_polls):
            if i:
                sleep(poll_interval)
            with contextlib.suppress(FileNotFoundError), open(path, "rb", buffering=0) as raw:
                data = raw.readall()
                at = get(fd)
                if len(data) < at:
                    put(fd, 0)
                    at = 0
                while -1 != (nl := data.find(b"\n", at)):
                    line = data[at:nl]
                    at = nl + 1
                    if is_event(line):
                        channel.basic_publish("", queue, line, pika.BasicProperties(delivery_mode=2), mandatory=True)
                        total += 1
                    put(fd, at)
                continue
            put(fd, 0)
    return total


def is_event(data):
    try:
        return isinstance(json.loads(data), dict)
    except ValueError:
        return False


class Signals:
    """SIGTERM as a readable socket, beside stop()."""

    def __enter__(self):
        self.mine = threading.current_thread() is threading.main_thread()
        if self.mine:
            self.read, self.write = socket.socketpair()
            self.read.setblocking(False)
            self.write.setblocking(False)
            self.old_fd = signal.set_wakeup_fd(self.write.fileno(), warn_on_full_buffer=False)
            self.old = signal.signal(signal.SIGTERM, lambda *_: None)
        return self

    def __exit__(self, *_):
        if self.mine:
            signal.set_wakeup_fd(self.old_fd)
            signal.signal(signal.SIGTERM, self.old)
            self.read.close()
            self.write.close()

    def came(self):
        return self.mine and bool(select.select([self.read], [], [], 0)[0])


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    with Signals() as signals:
        return work(parameters, queue, sqs, queue_url, max_idle, batch_size, lambda: stop() or signals.came())


def work(parameters, queue, sqs, url, max_idle, batch_size, stop):
    closing, channel = connect(parameters, queue)
    taken = 0
    with closing as connection:
        channel.basic_qos(prefetch_count=batch_size)
        deliveries = channel.consume(queue, inactivity_timeout=0.1)
        waiting = []
        quiet_since = time.monotonic()
        for method, _, body in deliveries:
            if method is not None:
                quiet_since = time.monotonic()
                entry = as_entry(method.delivery_tag, body, url)
                if entry is None:
                    channel.basic_reject(method.delivery_tag, requeue=False)
                else:
                    waiting.append(entry)
            if stop():
                break
            if waiting and (method is None or len(waiting) >= batch_size):
                taken += deliver(connection, channel, sqs, url, waiting, stop)
                if waiting:
                    break
            if method is None and time.monotonic() - quiet_since >= max_idle:
                break
        else:
            raise RuntimeError("consumer cancelled by RabbitMQ")
        for entry in waiting:
            channel.basic_nack(int(entry["Id"]), requeue=True)
        channel.cancel()
    return taken


def deliver(connection, channel, sqs, url, waiting, stop):
    taken = 0
    refused = 0
    while waiting:
        size, count = 0, 0
        for entry in waiting:
            size += len(entry["MessageBody"].encode())
            if size > 1048576:
                break
            count += 1
        answer = sqs.send_message_batch(QueueUrl=url, Entries=waiting[:count])
        done = {each["Id"] for each in answer.get("Successful", ())}
        for tag in sorted(map(int, done)):
            channel.basic_ack(tag)
        waiting[:] = [entry for entry in waiting if entry["Id"] not in done]
        taken += len(done)
        if stop():
            break
        if answer.get("Failed"):
            refused += 1
            if refused == 8:
                raise RuntimeError("refused eight times: %s" % answer["Failed"])
            connection.sleep(0.2)
    return taken


def as_entry(tag, body, url):
    if not body or len(body) > 1048576:
        return None
    try:
        entry = {"Id": str(tag), "MessageBody": body.decode("utf-8")}
        if url.endswith(".fifo"):
            event = json.loads(body)
            entry["MessageGroupId"] = str(event["pickup_zone"]).replace(" ", "-")
            entry["MessageDeduplicationId"] = str(event["event_id"])
        return entry
    except (ValueError, KeyError, TypeError):
        return None
