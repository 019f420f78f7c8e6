"""A batch is ten entries and half a megabyte at most; a FIFO answer is sorted by zone."""

import json
import threading
import uuid
from collections import defaultdict


def create_queue(sqs, name, *, visibility_timeout=30, retention=86400, max_receive_count=3):
    is_fifo = name.endswith(".fifo")
    dead_name = name.replace(".fifo", "-dead.fifo") if is_fifo else name + "-dead"
    settings = {
        "VisibilityTimeout": str(visibility_timeout),
        "MessageRetentionPeriod": str(retention),
    }
    dead_settings = {"MessageRetentionPeriod": str(max(retention, 60))}
    if is_fifo:
        settings["FifoQueue"] = dead_settings["FifoQueue"] = "true"
        settings["ContentBasedDeduplication"] = "false"
    try:
        dead_url = sqs.get_queue_url(QueueName=dead_name)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        dead_url = sqs.create_queue(QueueName=dead_name, Attributes=dead_settings)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])
    settings["RedrivePolicy"] = json.dumps(
        {"deadLetterTargetArn": attributes["Attributes"]["QueueArn"], "maxReceiveCount": f"{max_receive_count}"}
    )
    return sqs.create_queue(QueueName=name, Attributes=settings)["QueueUrl"]


def batches(entries, most=512 * 1024):
    batch, size = [], 0
    for entry in entries:
        length = len(entry["MessageBody"].encode()) + 100
        if batch and (len(batch) == 10 or size + length > most):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += length
    if batch:
        yield batch


def entry_of(event, is_fifo):
    entry = dict(
        Id=uuid.uuid4().hex,
        MessageBody=json.dumps(event),
        MessageAttributes=dict(EventType=dict(DataType="String", StringValue="trip_start")),
    )
    if is_fifo:
        entry["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
        entry["MessageDeduplicationId"] = str(event["event_id"])
    return entry


def send_events(sqs, queue_url, events):
    waiting = [entry_of(event, queue_url.endswith(".fifo")) for event in events]
    for attempt in range(4):
        failed = set()
        for batch in batches(waiting):
            answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=batch)
            failed.update(each["Id"] for each in answer.get("Failed", []))
        waiting = [entry for entry in waiting if entry["Id"] in failed]
    if waiting:
        raise ValueError(f"{len(waiting)} events were refused")


def sqs_consumer(sqs, queue_url, handle, *, max_events, wait_seconds=5, batch_size=5, max_empty_receives=5):
    total = quiet = 0
    while total < max_events and quiet < max_empty_receives:
        messages = sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=min(batch_size, max_events - total), WaitTimeSeconds=wait_seconds
        ).get("Messages")
        if not messages:
            quiet += 1
            continue
        quiet = 0
        zones = defaultdict(list)
        for number, message in enumerate(messages):
            event = parse(message["Body"])
            if event is not None:
                zone = event["pickup_zone"] if queue_url.endswith(".fifo") else number
                zones[zone].append((event, message["ReceiptHandle"]))
        threads = []
        for zone in zones.values():
            for event, receipt in zone:
                try:
                    handle(event)
                except Exception:
                    break
                total += 1
                threads.append(threading.Thread(target=sqs.delete_message, kwargs={"QueueUrl": queue_url, "ReceiptHandle": receipt}))
                threads[-1].start()
        for thread in threads:
            thread.join()
    return total


def parse(body):
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def once(handle, seen):
    lock = threading.RLock()

    def only_once(event):
        with lock:
            if event["event_id"] not in seen:
                handle(event)
                seen.add(event["event_id"])

    return only_once
