"""Uses paginators and its own session's queue lists; a pool over one answer; deletes in a batch."""
import itertools
import json
from concurrent.futures import ThreadPoolExecutor, as_completed


def create_queue(sqs, name, *, visibility_timeout=30, retention=86400, max_receive_count=3):
    kind = {}
    dead = name + "-dead"
    if name[-5:] == ".fifo":
        kind = {"FifoQueue": "true"}
        dead = name[:-5] + "-dead.fifo"
    urls = []
    for queue, more in ((dead, {}), (name, {"VisibilityTimeout": str(visibility_timeout), "MessageRetentionPeriod": str(retention)})):
        if urls:
            arn = sqs.get_queue_attributes(QueueUrl=urls[0], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            more["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": max_receive_count})
        urls.append(sqs.create_queue(QueueName=queue, Attributes={**kind, **more})["QueueUrl"])
    return urls[1]


def send_events(sqs, queue_url, events):
    pending, failures = [], 0

    def flush(last=False):
        nonlocal failures
        while len(pending) >= 10 or (last and pending):
            batch = pending[:10]
            del pending[:10]
            answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=[{**e, "Id": str(n)} for n, e in enumerate(batch)])
            failed = [batch[int(f["Id"])] for f in answer.get("Failed", [])]
            failures = failures + 1 if failed else 0
            if failures == 10:
                raise RuntimeError("the queue refuses")
            pending[:0] = failed

    for event in events:
        entry = {"MessageBody": json.dumps(event), "MessageAttributes": {"EventType": {"DataType": "String", "StringValue": "trip_start"}}}
        if ".fifo" in queue_url:
            entry["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
            entry["MessageDeduplicationId"] = str(event["event_id"])
        pending.append(entry)
        flush()
    flush(last=True)


def sqs_consumer(sqs, queue_url, handle, *, max_events, wait_seconds=5, batch_size=5, max_empty_receives=5):
    total = dry = 0
    with ThreadPoolExecutor(max_workers=batch_size) as pool:
        while total < max_events and dry < max_empty_receives:
            messages = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=min(max_events - total, batch_size),
                                           WaitTimeSeconds=wait_seconds, MessageSystemAttributeNames=["MessageGroupId"]).get("Messages", [])
            dry = (dry + 1) * (not messages)
            lines = {}  # what has to be handled one after the other
            for m in messages:
                lines.setdefault(m.get("Attributes", {}).get("MessageGroupId", m["MessageId"]), []).append(m)
            futures = [pool.submit(work_off, handle, line) for line in lines.values()]
            done = [m for f in as_completed(futures) for m in f.result()]
            left = {m["MessageId"]: m["ReceiptHandle"] for m in done}
            while left:
                answer = sqs.delete_message_batch(QueueUrl=queue_url, Entries=[{"Id": k, "ReceiptHandle": h} for k, h in left.items()])
                left = {f["Id"]: left[f["Id"]] for f in answer.get("Failed", ()) if not f["SenderFault"]}
            total += len(done)
    return total


def work_off(handle, line):
    return list(itertools.takewhile(lambda m: work(handle, m), line))


def work(handle, message):
    try:
        event = json.loads(message["Body"])
        if not isinstance(event, dict):
            return False
        handle(event)
        return True
    except Exception:
        return False


def once(handle, seen):
    def h(event):
        if event.get("event_id") not in seen:
            handle(event)
            seen.add(event["event_id"])
    return h
