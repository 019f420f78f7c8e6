from __future__ import annotations
import json


def create_queue(sqs, name, *, visibility_timeout=30, retention=86400, max_receive_count=3):
    fifo = name.endswith(".fifo")
    kind = {"FifoQueue": "true"} if fifo else {}
    dead_name = name[: -len(".fifo")] + "-dead.fifo" if fifo else name + "-dead"
    dead_url = sqs.create_queue(QueueName=dead_name, Attributes=kind)["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])
    policy = {
        "deadLetterTargetArn": answer["Attributes"]["QueueArn"],
        "maxReceiveCount": max_receive_count,
    }
    attributes = {
        "VisibilityTimeout": str(visibility_timeout),
        "MessageRetentionPeriod": str(retention),
        "RedrivePolicy": json.dumps(policy),
        **kind,
    }
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def send_batch(sqs, queue_url, entries):
    for _ in range(3):
        answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
        failed = {failure["Id"] for failure in answer.get("Failed", [])}
        entries = [entry for entry in entries if entry["Id"] in failed]
        if not entries:
            return
    raise RuntimeError(f"{len(entries)} entries keep failing")


def send_events(sqs, queue_url, events):
    batch = []
    for event in events:
        entry = {
            "Id": str(len(batch)),
            "MessageBody": json.dumps(event),
            "MessageAttributes": {
                "EventType": {"DataType": "String", "StringValue": "trip_start"},
            },
        }
        if queue_url.endswith(".fifo"):
            entry["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
            entry["MessageDeduplicationId"] = str(event["event_id"])
        batch.append(entry)
        if len(batch) == 10:
            send_batch(sqs, queue_url, batch)
            batch = []
    if batch:
        send_batch(sqs, queue_url, batch)


def parse(body):
    try:
        event = json.loads(body)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def sqs_consumer(
    sqs, queue_url, handle, *, max_events, wait_seconds=5, batch_size=5, max_empty_receives=5
):
    fifo = queue_url.endswith(".fifo")
    count = 0
    empty = 0
    while count < max_events and empty < max_empty_receives:
        answer = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=min(batch_size, max_events - count),
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages = answer.get("Messages", [])
        if not messages:
            empty += 1
            continue
        empty = 0
        failed_groups = set()
        for message in messages:
            group = message.get("Attributes", {}).get("MessageGroupId")
            if fifo and group in failed_groups:
                continue
            event = parse(message["Body"])
            if event is None:
                failed_groups.add(group)
                continue
            try:
                handle(event)
            except Exception:
                if int(message['Attributes']['ApproximateReceiveCount']) >= 3:
                    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message['ReceiptHandle'])
                failed_groups.add(group)
                continue
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            count += 1
    return count


def once(handle, seen):
    def handle_once(event):
        event_id = event["event_id"]
        if event_id in seen:
            return
        handle(event)
        seen.add(event_id)

    return handle_once
