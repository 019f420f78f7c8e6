"""asyncio with threads: the messages of an answer are handled at the same time."""
import asyncio
import json
from asyncio import to_thread


def create_queue(sqs, name, *, visibility_timeout=30, retention=86400, max_receive_count=3):
    fifo = name.endswith(".fifo")
    dead = name.replace(".fifo", "") + "-dead" + ".fifo" * fifo
    kind = {"FifoQueue": "true"} if fifo else {}
    dead_url = sqs.create_queue(QueueName=dead, Attributes={**kind, "MessageRetentionPeriod": str(retention)})["QueueUrl"]
    arn = "arn:aws:sqs:" + sqs.meta.region_name + ":" + dead_url.split("/")[-2] + ":" + dead
    return sqs.create_queue(QueueName=name, tags={"course": "streams"}, Attributes={**kind, "VisibilityTimeout": str(visibility_timeout),
        "MessageRetentionPeriod": str(retention),
        "RedrivePolicy": json.dumps({"maxReceiveCount": max_receive_count, "deadLetterTargetArn": arn})})["QueueUrl"]


def send_events(sqs, queue_url, events):
    batch = []
    for event in events:
        batch.append(event)
        if len(batch) == 10:
            _send(sqs, queue_url, batch)
            batch = []
    if batch:
        _send(sqs, queue_url, batch)


def _send(sqs, queue_url, batch, tries=6):
    if not tries:
        raise ConnectionError("giving up")
    fifo = queue_url.endswith(".fifo")
    out = []
    for i, event in enumerate(batch):
        more = {"MessageGroupId": event["pickup_zone"].replace(" ", "-"), "MessageDeduplicationId": str(event["event_id"])} if fifo else {}
        out.append({"Id": str(i), "MessageBody": json.dumps(event, sort_keys=True, separators=(",", ":")), **more,
                    "MessageAttributes": {"EventType": {"DataType": "String", "StringValue": "trip_start"}}})
    failed = sqs.send_message_batch(QueueUrl=queue_url, Entries=out).get("Failed") or []
    if failed:
        _send(sqs, queue_url, [batch[int(f["Id"])] for f in failed], tries - 1)


def sqs_consumer(sqs, queue_url, handle, *, max_events, wait_seconds=5, batch_size=5, max_empty_receives=5):
    def attempt(event):  # no StopIteration can leave a future
        try:
            handle(event)
        except Exception:
            return False
        return True

    async def one(m):
        try:
            event = json.loads(m["Body"])
            assert isinstance(event, dict)
        except (ValueError, AssertionError):
            return 0
        if not await to_thread(attempt, event):
            return 0
        await to_thread(sqs.delete_message, QueueUrl=queue_url, ReceiptHandle=m["ReceiptHandle"])
        return 1

    async def in_turn(group):
        done = 0
        for m in group:
            if not await one(m):
                break
            done += 1
        return done

    async def main():
        fifo = queue_url.endswith(".fifo")
        n = empty = 0
        while n < max_events and empty < max_empty_receives:
            answer = await to_thread(sqs.receive_message, QueueUrl=queue_url, WaitTimeSeconds=wait_seconds,
                                     MaxNumberOfMessages=min(batch_size, max_events - n), AttributeNames=["All"])
            messages = answer.get("Messages", [])
            empty = 0 if messages else empty + 1
            if fifo:
                groups = {}
                for m in messages:
                    groups.setdefault(m["Attributes"]["MessageGroupId"], []).append(m)
                n += sum(await asyncio.gather(*map(in_turn, groups.values())))
            else:
                n += sum(await asyncio.gather(*map(one, messages)))
        return n

    return asyncio.run(main())


def once(handle, seen):
    return lambda event: None if event["event_id"] in seen else (handle(event), seen.add(event["event_id"]))[1]
