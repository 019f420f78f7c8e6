"""Batches of four; failed entries join the next batch; policy set after creation."""
import json
from collections import deque


def create_queue(sqs, name, *, visibility_timeout=30, retention=86400, max_receive_count=3):
    stem, dot, end = name.partition(".fifo")
    fifo = {"FifoQueue": "true"} if dot else {}
    dead = sqs.create_queue(QueueName=f"{stem}-dead{dot}", Attributes={"MessageRetentionPeriod": "1209600"} | fifo)
    arn = sqs.get_queue_attributes(QueueUrl=dead["QueueUrl"], AttributeNames=["All"])["Attributes"]["QueueArn"]
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        url = sqs.create_queue(QueueName=name, Attributes=fifo)["QueueUrl"]
    sqs.set_queue_attributes(
        QueueUrl=url,
        Attributes={
            "VisibilityTimeout": str(visibility_timeout),
            "MessageRetentionPeriod": str(retention),
            "ReceiveMessageWaitTimeSeconds": "20",
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": max_receive_count}),
        },
    )
    return url


def send_events(sqs, queue_url, events):
    todo = deque((event, 0) for event in events)
    while todo:
        batch = [todo.popleft() for _ in range(min(4, len(todo)))]
        entries = []
        for n, (event, _) in enumerate(batch):
            entry = {"Id": f"e{n}", "MessageBody": json.dumps(event, indent=1),
                     "MessageAttributes": {"EventType": {"StringValue": "trip_start", "DataType": "String"}}}
            if queue_url.endswith(".fifo"):
                entry["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
                entry["MessageDeduplicationId"] = str(event["event_id"])
            entries.append(entry)
        failed = {f["Id"] for f in sqs.send_message_batch(QueueUrl=queue_url, Entries=entries).get("Failed", ())}
        for n, (event, tries) in reversed(list(enumerate(batch))):
            if f"e{n}" in failed:
                if tries >= 4:
                    raise OSError(f"{event} cannot be sent")
                todo.appendleft((event, tries + 1))


def sqs_consumer(sqs, queue_url, handle, *, max_events, wait_seconds=5, batch_size=5, max_empty_receives=5):
    done, empty = 0, 0
    while done < max_events:
        batch = sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=wait_seconds, AttributeNames=["All"],
                                    MaxNumberOfMessages=min(batch_size, max_events - done, 2)).get("Messages") or []
        if batch:
            empty = 0
        else:
            empty += 1
            if empty >= max_empty_receives:
                return done
        finished = []
        try:
            held = set()
            for m in batch:
                group = m["Attributes"].get("MessageGroupId")
                if group is not None and group in held:
                    continue
                try:
                    event = json.loads(m["Body"])
                    if type(event) is not dict:
                        raise ValueError
                except ValueError:
                    continue
                try:
                    handle(event)
                except Exception:
                    held.add(group)
                    continue
                finished.append(m["ReceiptHandle"])
        finally:
            done += len(finished)
            while finished:
                failed = sqs.delete_message_batch(QueueUrl=queue_url, Entries=[{"Id": str(i), "ReceiptHandle": h} for i, h in enumerate(finished)]).get("Failed", ())
                finished = [finished[int(f["Id"])] for f in failed]
    return done


def once(handle, seen):
    def wrapped(event):
        key = event["event_id"]
        if key not in seen:
            result = handle(event)
            seen.update({key})
            return result
    return wrapped
