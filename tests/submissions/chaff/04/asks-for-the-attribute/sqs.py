import json
import time

# ---------------------------------------------------------------------------
# create
# ---------------------------------------------------------------------------


def create_queue(sqs, name, *, visibility_timeout=30, retention=86400, max_receive_count=3):
    # 1. the dead letter queue
    if name.endswith(".fifo"):
        dead_name = name[:-5] + "-dead.fifo"
        response = sqs.create_queue(QueueName=dead_name, Attributes={"FifoQueue": "true"})
    else:
        dead_name = name + "-dead"
        response = sqs.create_queue(QueueName=dead_name)
    dead_url = response["QueueUrl"]

    # 2. its ARN
    response = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])
    dead_arn = response["Attributes"]["QueueArn"]

    # 3. the queue itself
    attributes = {}
    attributes["VisibilityTimeout"] = str(visibility_timeout)
    attributes["MessageRetentionPeriod"] = str(retention)
    attributes["RedrivePolicy"] = json.dumps(
        {"deadLetterTargetArn": dead_arn, "maxReceiveCount": str(max_receive_count)}
    )
    if name.endswith(".fifo"):
        attributes["FifoQueue"] = "true"
    response = sqs.create_queue(QueueName=name, Attributes=attributes)
    return response["QueueUrl"]


# ---------------------------------------------------------------------------
# send
# ---------------------------------------------------------------------------


def send_events(sqs, queue_url, events):
    entries = []
    number = 0
    for event in events:
        entry = {}
        entry["Id"] = "event-" + str(number)
        entry["MessageBody"] = json.dumps(event)
        entry["MessageAttributes"] = {
            "EventType": {"StringValue": "trip_start", "DataType": "String"}
        }
        if queue_url.endswith(".fifo"):
            entry["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
            entry["MessageDeduplicationId"] = str(event["event_id"])
        entries.append(entry)
        number = number + 1
        if len(entries) == 10:
            send_batch(sqs, queue_url, entries)
            entries = []
    if len(entries) > 0:
        send_batch(sqs, queue_url, entries)


def send_batch(sqs, queue_url, entries):
    attempt = 1
    while True:
        response = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
        failed_ids = []
        for failed in response.get("Failed", []):
            failed_ids.append(failed["Id"])
        if len(failed_ids) == 0:
            return
        if attempt == 3:
            raise Exception("could not send " + ", ".join(failed_ids))
        again = []
        for entry in entries:
            if entry["Id"] in failed_ids:
                again.append(entry)
        entries = again
        attempt = attempt + 1
        time.sleep(0.05)


# ---------------------------------------------------------------------------
# consume
# ---------------------------------------------------------------------------


def sqs_consumer(
    sqs, queue_url, handle, *, max_events, wait_seconds=5, batch_size=5, max_empty_receives=5
):
    number_handled = 0
    number_empty = 0
    while number_handled < max_events:
        how_many = batch_size
        if how_many > max_events - number_handled:
            how_many = max_events - number_handled
        response = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=how_many,
            WaitTimeSeconds=wait_seconds,
            MessageAttributeNames=["EventType"],
            MessageSystemAttributeNames=["MessageGroupId"],
        )
        if "Messages" not in response or len(response["Messages"]) == 0:
            number_empty = number_empty + 1
            if number_empty == max_empty_receives:
                break
            continue
        number_empty = 0

        failed_groups = []
        for message in response["Messages"]:
            group = None
            if "Attributes" in message:
                group = message["Attributes"].get("MessageGroupId")
            if queue_url.endswith(".fifo") and group in failed_groups:
                continue
            kind = message.get("MessageAttributes", {}).get("EventType", {}).get("StringValue")
            if kind != "trip_start":
                continue
            try:
                event = json.loads(message["Body"])
            except json.JSONDecodeError:
                continue
            if not isinstance(event, dict):
                continue
            try:
                handle(event)
            except Exception as error:
                print("handle failed:", repr(error))
                failed_groups.append(group)
                continue
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            number_handled = number_handled + 1
    return number_handled


def once(handle, seen):
    def wrapper(event):
        if event["event_id"] in seen:
            return
        handle(event)
        seen.add(event["event_id"])

    return wrapper
