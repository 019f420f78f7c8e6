"""Exercise 04."""

import json

FIFO = None
ATTRIBUTES = {"EventType": {"DataType": "String", "StringValue": "trip_start"}}


def create_queue(sqs, name, *, visibility_timeout=30, retention=86400, max_receive_count=3):
    attributes = {
        "VisibilityTimeout": str(visibility_timeout),
        "MessageRetentionPeriod": str(retention),
    }
    dead_name = name + "-dead"
    dead_attributes = {}
    if name.endswith(".fifo"):
        dead_name = name[: -len(".fifo")] + "-dead.fifo"
        attributes["FifoQueue"] = "true"
        dead_attributes["FifoQueue"] = "true"
    dead_url = sqs.create_queue(QueueName=dead_name, Attributes=dead_attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])
    attributes["RedrivePolicy"] = json.dumps(
        {
            "deadLetterTargetArn": arn["Attributes"]["QueueArn"],
            "maxReceiveCount": str(max_receive_count),
        }
    )
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def send_events(sqs, queue_url, events):
    global FIFO
    if FIFO is None:
        FIFO = queue_url.endswith(".fifo")
    events = list(events)
    for start in range(0, len(events), 10):
        entries = []
        for number, event in enumerate(events[start : start + 10]):
            entry = {
                "Id": str(number),
                "MessageBody": json.dumps(event),
                "MessageAttributes": ATTRIBUTES,
            }
            if FIFO:
                entry["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
                entry["MessageDeduplicationId"] = str(event["event_id"])
            entries.append(entry)
        send_batch(sqs, queue_url, entries)


def send_batch(sqs, queue_url, entries):
    for attempt in range(3):
        answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
        failed = {entry["Id"] for entry in answer.get("Failed", [])}
        if not failed:
            return
        entries = [entry for entry in entries if entry["Id"] in failed]
    raise RuntimeError("some events could not be sent")


def sqs_consumer(
    sqs,
    queue_url,
    handle,
    *,
    max_events,
    wait_seconds=5,
    batch_size=5,
    max_empty_receives=5,
):
    count = 0
    empty = 0
    while count < max_events and empty < max_empty_receives:
        answer = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=min(batch_size, max_events - count),
            WaitTimeSeconds=wait_seconds,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["MessageGroupId"],
        )
        messages = answer.get("Messages", [])
        if not messages:
            empty += 1
            continue
        empty = 0
        stopped = set()
        for message in messages:
            group = message.get("Attributes", {}).get("MessageGroupId")
            if group in stopped:
                continue
            event = parse(message["Body"])
            if event is None:
                continue
            try:
                handle(event)
            except Exception as error:
                print("not handled:", error)
                if queue_url.endswith(".fifo"):
                    stopped.add(group)
                continue
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            count += 1
    return count


def once(handle, seen):
    def handle_once(event):
        if event["event_id"] in seen:
            return
        handle(event)
        seen.add(event["event_id"])

    return handle_once


def parse(body):
    try:
        event = json.loads(body)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
