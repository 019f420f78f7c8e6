"""SQS in a thread, acknowledged with add_callback_threadsafe; the main thread serves RabbitMQ."""

import json
import os
import queue as queues
import threading
import time

import pika


def _declare(channel, name):
    channel.queue_declare(queue=name + ".dead", durable=True)
    channel.queue_declare(queue=name, durable=True, arguments={
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": name + ".dead",
    })


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    count = 0
    for i in range(max_polls):  # a connection for each poll: no heartbeat is missed while it sleeps
        if i:
            sleep(poll_interval)
        connection = pika.BlockingConnection(parameters)
        try:
            channel = connection.channel()
            _declare(channel, queue)
            channel.confirm_delivery()
            count += _poll(path, offset_path, channel, queue)
        finally:
            try:
                connection.close()
            except pika.exceptions.AMQPError:
                pass
    return count


def _load(p):
    if not os.path.exists(p):
        return 0
    with open(p, "rb") as f:
        data = f.read()
    return int.from_bytes(data, "big")  # b"" is 0


def _store(p, n):
    new = os.fspath(p) + "~"
    with open(new, "wb") as f:
        f.write(n.to_bytes(8, "big"))
    os.replace(new, p)


def _poll(path, offset_path, channel, queue):
    start = _load(offset_path)
    size = os.path.getsize(path) if os.path.exists(path) else 0
    if size < start:
        start = 0
        _store(offset_path, 0)
    if size == start:
        return 0
    with open(path, "rb") as f:
        f.seek(start)
        data = f.read()
    count = 0
    lines = data[: data.rfind(b"\n") + 1].splitlines()
    for line in lines:
        start += len(line) + 1
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict):
            channel.basic_publish(exchange="", routing_key=queue, body=json.dumps(event, ensure_ascii=False).encode(),
                                  properties=pika.BasicProperties(delivery_mode=2), mandatory=True)
            count += 1
        _store(offset_path, start)
    return count


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    jobs = queues.Queue()
    failure = []
    done = threading.Event()
    state = {"sent": 0, "last": time.monotonic(), "busy": 0}

    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    _declare(channel, queue)
    channel.basic_qos(prefetch_count=batch_size)

    results = queues.SimpleQueue()

    def acknowledge():
        while not results.empty():
            for tag in results.get():
                channel.basic_ack(tag)
                state["sent"] += 1
                state["busy"] -= 1
                state["last"] = time.monotonic()

    def send(batch):
        pause = 0.1
        for _ in range(10):
            answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=batch)
            tags = [int(each["Id"]) for each in answer.get("Successful", [])]
            results.put(tags)
            connection.add_callback_threadsafe(acknowledge)
            batch = [e for e in batch if int(e["Id"]) not in tags]
            if not batch:
                return
            if done.wait(pause):
                return
            pause = min(pause * 2, 0.5)
        raise RuntimeError("SQS refuses")

    def work():
        try:
            while True:
                batch = jobs.get()
                if batch is None:
                    return
                if not done.is_set():
                    send(batch)
        except Exception as error:
            failure.append(error)

    pending = []

    def flush():
        nonlocal pending
        while pending:
            batch, total = [], 0
            while pending and total + len(pending[0][1]) <= 1048576:
                entry, body = pending.pop(0)
                batch.append(entry)
                total += len(body)
            jobs.put(batch)

    def on_message(ch, method, properties, body):
        state["last"] = time.monotonic()
        entry = _entry(method.delivery_tag, body, queue_url)
        if entry is None:
            ch.basic_reject(method.delivery_tag, requeue=False)
            return
        state["busy"] += 1
        pending.append((entry, body))
        if state["busy"] >= batch_size:
            flush()

    def on_cancel(_):
        failure.append(RuntimeError("the queue is gone"))

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        channel.add_on_cancel_callback(on_cancel)
        consumer = channel.basic_consume(queue, on_message)
        while not failure and not stop():
            held = len(pending)
            connection.process_data_events(time_limit=0.1)
            if pending and len(pending) == held:
                flush()
            if state["busy"] == 0 and time.monotonic() - state["last"] > max_idle:
                break
        if not failure:
            channel.basic_cancel(consumer)
        done.set()
        jobs.put(None)
        worker.join()
        if failure:
            raise failure[0]
        acknowledge()
        return state["sent"]
    finally:
        done.set()
        jobs.put(None)
        worker.join()
        if connection.is_open:
            connection.close()


def _entry(tag, body, url):
    if len(body) == 0 or len(body) > 1048576:
        return None
    try:
        entry = {"Id": str(tag), "MessageBody": body.decode()}
        if url.endswith(".fifo"):
            event = json.loads(body)
            entry["MessageGroupId"] = "-".join(event["pickup_zone"].split(" "))
            entry["MessageDeduplicationId"] = str(event["event_id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return entry
