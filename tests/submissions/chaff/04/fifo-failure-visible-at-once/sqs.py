"""Exercise 04."""

import json


def create_queue(sqs, name, *, visibility_timeout=30, retention=86400, max_receive_count=3):
    fifo = name.endswith(".fifo")
    dead_name = name[: -len(".fifo")] + "-dead.fifo" if fifo else name + "-dead"
    kind = {"FifoQueue": "true"} if fifo else {}
    dead = sqs.create_queue(QueueName=dead_name, Attributes=kind)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    attributes = {
        "VisibilityTimeout": str(visibility_timeout),
        "MessageRetentionPeriod": str(retention),
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": max_receive_count}),
        **kind,
    }
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def _entry(number, event, fifo):
    entry = {
        "Id": str(number),
        "MessageBody": json.dumps(event),
        "MessageAttributes": {"EventType": {"DataType": "String", "StringValue": "trip_start"}},
    }
    if fifo:
        entry["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
        entry["MessageDeduplicationId"] = str(event["event_id"])
    return entry


def _send_batch(sqs, queue_url, entries):
    for _attempt in range(4):
        answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
        failed = {each["Id"] for each in answer.get("Failed", [])}
        entries = [entry for entry in entries if entry["Id"] in failed]
        if not entries:
            return
    raise RuntimeError(f"{len(entries)} entries failed again and again")


def send_events(sqs, queue_url, events):
    fifo = queue_url.endswith(".fifo")
    events = list(events)
    for start in range(0, len(events), 10):
        batch = events[start : start + 10]
        _send_batch(sqs, queue_url, [_entry(n, event, fifo) for n, event in enumerate(batch)])


def _event(body):
    try:
        event = json.loads(body)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def sqs_consumer(sqs, queue_url, handle, *, max_events, wait_seconds=5, batch_size=5, max_empty_receives=5):
    fifo = queue_url.endswith(".fifo")
    handled = empty = 0
    while handled < max_events and empty < max_empty_receives:
        answer = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=min(batch_size, max_events - handled),
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["MessageGroupId"],
        )
        messages = answer.get("Messages", [])
        if not messages:
            empty += 1
            continue
        empty = 0
        stuck = set()
        for message in messages:
            group = message.get("Attributes", {}).get("MessageGroupId")
            if fifo and group in stuck:
                continue
            event = _event(message["Body"])
            if event is None:
                continue
            try:
                handle(event)
            except Exception:
                stuck.add(group)
                if fifo:
                    sqs.change_message_visibility(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
                continue
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            handled += 1
    return handled


def once(handle, seen):
    def handler(event):
        key = event["event_id"]
        if key in seen:
            return
        handle(event)
        seen.add(key)

    return handler
