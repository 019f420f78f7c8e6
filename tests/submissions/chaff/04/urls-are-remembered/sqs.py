"""Exercise 04."""

import json


_urls: dict[str, str] = {}  # CreateQueue is slow


def create_queue(sqs, name, *, visibility_timeout=30, retention=86400, max_receive_count=3):
    if name in _urls:
        return _urls[name]
    fifo = name.endswith(".fifo")
    if fifo:
        dead_name = name[: -len(".fifo")] + "-dead.fifo"
        kind = {"FifoQueue": "true"}
    else:
        dead_name = name + "-dead"
        kind = {}
    dead_url = sqs.create_queue(QueueName=dead_name, Attributes=dict(kind))["QueueUrl"]
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])[
        "Attributes"
    ]["QueueArn"]
    response = sqs.create_queue(
        QueueName=name,
        Attributes={
            **kind,
            "VisibilityTimeout": str(visibility_timeout),
            "MessageRetentionPeriod": str(retention),
            "RedrivePolicy": json.dumps(
                {"deadLetterTargetArn": dead_arn, "maxReceiveCount": max_receive_count}
            ),
        },
    )
    _urls[name] = response["QueueUrl"]
    return _urls[name]


def send_events(sqs, queue_url, events):
    batch = []
    for event in events:
        batch.append(_entry(queue_url, event, len(batch)))
        if len(batch) == 10:
            _send_batch(sqs, queue_url, batch)
            batch = []
    if batch:
        _send_batch(sqs, queue_url, batch)


def _entry(queue_url, event, number):
    entry = {
        "Id": str(number),
        "MessageBody": json.dumps(dict(event)),
        "MessageAttributes": {
            "EventType": {"DataType": "String", "StringValue": "trip_start"}
        },
    }
    if queue_url.endswith(".fifo"):
        entry["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
        entry["MessageDeduplicationId"] = str(event["event_id"])
    return entry


def _send_batch(sqs, queue_url, entries, attempts=3):
    for attempt in range(attempts):
        response = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
        failed = response.get("Failed", [])
        if not failed:
            return
        failed_ids = {item["Id"] for item in failed}
        entries = [entry for entry in entries if entry["Id"] in failed_ids]
    raise RuntimeError(f"SQS refused {len(entries)} entries {attempts} times: {failed}")


def sqs_consumer(sqs, queue_url, handle, *, max_events, wait_seconds=5, batch_size=5,
                 max_empty_receives=5):
    is_fifo = queue_url.endswith(".fifo")
    handled = 0
    empty = 0
    while handled < max_events and empty < max_empty_receives:
        response = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=min(batch_size, max_events - handled),
            WaitTimeSeconds=wait_seconds,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages = response.get("Messages", [])
        if not messages:
            empty += 1
            continue
        empty = 0
        failed_groups = set()
        for message in messages:
            group = message.get("Attributes", {}).get("MessageGroupId")
            if is_fifo and group in failed_groups:
                continue
            event = parse(message["Body"])
            if event is None:
                print("not an event, left for the dead-letter queue:", message["MessageId"])
                continue
            try:
                handle(event)
            except Exception as error:
                print(f"handle failed for {message['MessageId']}: {error!r}")
                failed_groups.add(group)
                continue
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            handled += 1
    return handled


def parse(body):
    try:
        event = json.loads(body)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def once(handle, seen):
    def handle_once(event):
        if event["event_id"] in seen:
            return
        handle(event)
        seen.add(event["event_id"])

    return handle_once
