"""Exercise 04."""

import json

import boto3


def _find(sqs, name):
    """The URL of a queue that exists already, or None; many queues come in pages."""
    for page in sqs.get_paginator("list_queues").paginate(QueueNamePrefix=name):
        for url in page.get("QueueUrls", []):
            if url.rpartition("/")[2] == name:
                return url
    return None


def _ensure(sqs, name, attributes):
    return _find(sqs, name) or sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def create_queue(sqs, name, *, visibility_timeout=30, retention=86400, max_receive_count=3):
    fifo = name.endswith(".fifo")
    kind = {"FifoQueue": "true"} if fifo else {}
    dead = _ensure(sqs, name.removesuffix(".fifo") + "-dead" + (".fifo" if fifo else ""), kind)
    answer = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    return _ensure(
        sqs,
        name,
        kind
        | {
            "VisibilityTimeout": str(visibility_timeout),
            "MessageRetentionPeriod": str(retention),
            "RedrivePolicy": json.dumps(
                {
                    "deadLetterTargetArn": answer["Attributes"]["QueueArn"],
                    "maxReceiveCount": max_receive_count,
                }
            ),
        },
    )


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
    answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
    failed = {each["Id"] for each in answer.get("Failed", ())}
    for entry in entries:
        if entry["Id"] in failed:  # alone now: a failure is an exception here
            sqs.send_message(QueueUrl=queue_url, **{k: v for k, v in entry.items() if k != "Id"})


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


def _queue(sqs, queue_url):
    credentials = sqs._request_signer._credentials
    session = boto3.session.Session(
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
        region_name=sqs.meta.region_name,
    )
    return session.resource("sqs", endpoint_url=sqs.meta.endpoint_url).Queue(queue_url)


def sqs_consumer(sqs, queue_url, handle, *, max_events, wait_seconds=5, batch_size=5, max_empty_receives=5):
    queue = _queue(sqs, queue_url)
    handled = empty = 0
    while handled < max_events and empty < max_empty_receives:
        received = queue.receive_messages(
            AttributeNames=["All"],
            MaxNumberOfMessages=min(batch_size, max_events - handled),
            WaitTimeSeconds=wait_seconds,
        )
        empty = 0 if received else empty + 1
        left_alone = set()
        for message in received:
            group = (message.attributes or {}).get("MessageGroupId", message.message_id)
            if group in left_alone and queue_url.endswith(".fifo"):
                continue
            if (event := _event(message.body)) is None:
                continue
            try:
                handle(event)
            except Exception as error:
                print("failed", error)
                left_alone.add(group)
            else:
                message.delete()
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
