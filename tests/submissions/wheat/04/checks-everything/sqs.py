"""Keeps the claim alive with ChangeMessageVisibility, checks what it deletes, counts receives."""
import json
import time


def create_queue(sqs, name, *, visibility_timeout=30, retention=86400, max_receive_count=3):
    try:
        return sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "AWS.SimpleQueueService.NonExistentQueue":
            raise
    fifo = name.endswith(".fifo")
    kind = {"FifoQueue": "true"} if fifo else {}
    dead = f"{name[:-5]}-dead.fifo" if fifo else f"{name}-dead"
    dead_url = sqs.create_queue(QueueName=dead, Attributes=kind)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return sqs.create_queue(QueueName=name, Attributes={**kind, "VisibilityTimeout": f"{visibility_timeout}",
        "MessageRetentionPeriod": f"{retention}",
        "RedrivePolicy": json.dumps(dict(maxReceiveCount=max_receive_count, deadLetterTargetArn=arn))})["QueueUrl"]


def send_events(sqs, queue_url, events):
    events = list(events)
    fifo = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"].get("FifoQueue") == "true"
    while events:
        batch, events = events[-10:] if not fifo else events[:10], events[:-10] if not fifo else events[10:]
        entries = {}
        for number, event in enumerate(batch):
            key = f"entry-{number}"
            entries[key] = {"Id": key, "MessageBody": json.dumps(event),
                            "MessageAttributes": {"EventType": {"DataType": "String", "StringValue": "trip_start"},
                                                  "Fields": {"DataType": "Number", "StringValue": str(len(event))}}}
            if fifo:
                entries[key].update(MessageGroupId=event["pickup_zone"].replace(" ", "-"), MessageDeduplicationId=str(event["event_id"]))
        for attempt in range(2):
            if not entries:
                break
            answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=[*entries.values()])
            for ok in answer["Successful"]:
                del entries[ok["Id"]]
            if entries:
                time.sleep(0.05 * 2**attempt)
        assert not entries, f"{len(entries)} not sent"


def sqs_consumer(sqs, queue_url, handle, *, max_events, wait_seconds=5, batch_size=5, max_empty_receives=5):
    handled, strikes = 0, max_empty_receives
    while handled != max_events and strikes:
        response = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=min(batch_size, max_events - handled),
                                       WaitTimeSeconds=wait_seconds, VisibilityTimeout=500,
                                       MessageSystemAttributeNames=["All"], MessageAttributeNames=["EventType"])
        strikes = max_empty_receives if response.get("Messages") else strikes - 1
        passed_over = set()
        for message in response.get("Messages", ()):
            int(message["Attributes"]["ApproximateReceiveCount"])
            # a message of a standard queue is a group of its own
            group = message["Attributes"].get("MessageGroupId", message["MessageId"])
            if group in passed_over:
                continue
            receipt = {"QueueUrl": queue_url, "ReceiptHandle": message["ReceiptHandle"]}
            try:
                event = json.loads(message["Body"])
            except ValueError:
                event = None
            if isinstance(event, dict):
                try:
                    sqs.change_message_visibility(**receipt, VisibilityTimeout=500)
                    handle(event)
                except Exception as error:
                    print(f"left for later: {error!r}")
                    passed_over.add(group)
                else:
                    sqs.delete_message(**receipt)
                    handled += 1
    return handled


def once(handle, seen):
    class Once:
        def __call__(self, event):
            if event["event_id"] in seen:
                return
            handle(event)
            seen.add(event["event_id"])
    return Once()
