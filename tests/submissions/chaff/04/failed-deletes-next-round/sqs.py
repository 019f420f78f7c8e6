"""Exercise 04."""

import json
from contextlib import suppress
from itertools import islice


def _ensure(sqs, queue_name):
    """CreateQueue without settings answers with the queue that is there, whatever its settings."""
    attributes = {"FifoQueue": "true"} if queue_name.endswith(".fifo") else {}
    return sqs.create_queue(QueueName=queue_name, Attributes=attributes)["QueueUrl"]


def create_queue(sqs, name, *, visibility_timeout=30, retention=86400, max_receive_count=3):
    if name.endswith(".fifo"):
        dead_name = f"{name[:-5]}-dead.fifo"
    else:
        dead_name = f"{name}-dead"
    dead_url = _ensure(sqs, dead_name)
    queue_url = _ensure(sqs, name)
    dead = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])
    redrive = {
        "deadLetterTargetArn": dead["Attributes"]["QueueArn"],
        "maxReceiveCount": max_receive_count,
    }
    sqs.set_queue_attributes(
        QueueUrl=queue_url,
        Attributes={
            "VisibilityTimeout": str(visibility_timeout),
            "MessageRetentionPeriod": str(retention),
            "RedrivePolicy": json.dumps(redrive),
        },
    )
    return queue_url


EVENT_TYPE = {"EventType": {"DataType": "String", "StringValue": "trip_start"}}


class NotSent(Exception):
    """SQS keeps on refusing entries."""


def _chunks(iterable, size):
    iterator = iter(iterable)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _entries(events, fifo):
    for number, event in enumerate(events):
        entry = {"Id": f"e{number}", "MessageBody": json.dumps(dict(event), ensure_ascii=False)}
        entry["MessageAttributes"] = EVENT_TYPE
        if fifo:
            entry |= {
                "MessageGroupId": str(event["pickup_zone"]).replace(" ", "-"),
                "MessageDeduplicationId": str(event["event_id"]),
            }
        yield entry


def send_events(sqs, queue_url, events):
    fifo = queue_url.endswith(".fifo")
    for chunk in _chunks(events, 10):
        waiting = {entry["Id"]: entry for entry in _entries(chunk, fifo)}
        tries = 0
        while waiting:
            answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=list(waiting.values()))
            tries += 1
            refused = {each["Id"] for each in answer.get("Failed", ())}
            if tries > 1 and len(refused) == len(waiting):
                raise NotSent(answer["Failed"])
            waiting = {key: entry for key, entry in waiting.items() if key in refused}


def _decode(body):
    with suppress(ValueError):
        value = json.loads(body)
        if isinstance(value, dict):
            return value
    return None


def _delete_all(sqs, queue_url, receipts):
    receipts = list(dict.fromkeys(receipts))
    entries = [{"Id": str(n), "ReceiptHandle": r} for n, r in enumerate(receipts)]
    left = []
    for start in range(0, len(entries), 10):
        chunk = entries[start:start + 10]
        answer = sqs.delete_message_batch(QueueUrl=queue_url, Entries=chunk)
        again = {item["Id"] for item in answer.get("Failed", [])}
        left += [entry["ReceiptHandle"] for entry in chunk if entry["Id"] in again]
    return left


def sqs_consumer(sqs, queue_url, handle, *, max_events, wait_seconds=5, batch_size=5,
                 max_empty_receives=5):
    done = empty = 0
    undeleted = []
    while done < max_events:
        answer = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=min(batch_size, max_events - done),
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["All"],
        )
        messages = answer.get("Messages") or []
        if not messages:
            empty += 1
            if empty >= max_empty_receives:
                break
            continue
        empty = 0
        receipts, blocked = [], set()
        try:
            for message in messages:
                group = message.get("Attributes", {}).get("MessageGroupId")
                if group in blocked:
                    continue
                event = _decode(message["Body"])
                if event is None:
                    continue
                try:
                    handle(event)
                except Exception:
                    if queue_url.endswith(".fifo"):
                        blocked.add(group)
                else:
                    receipts.append(message["ReceiptHandle"])
                    done += 1
        finally:
            undeleted = _delete_all(sqs, queue_url, undeleted + receipts)
    for _ in range(5):
        if undeleted:
            undeleted = _delete_all(sqs, queue_url, undeleted)
    return done


def once(handle, seen):
    def handle_once(event):
        if event["event_id"] in seen:
            return
        handle(event)
        seen.add(event["event_id"])

    return handle_once
