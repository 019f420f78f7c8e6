"""Two tasks and a queue between them; boto3 is called in threads."""
import asyncio
import json
from functools import partial


def create_queue(sqs, name, *, visibility_timeout=30, retention=86400, max_receive_count=3):
    return asyncio.run(_create(sqs, name, visibility_timeout, retention, max_receive_count))


async def _create(sqs, name, visibility_timeout, retention, max_receive_count):
    stem, fifo = (name[:-5], True) if name.endswith(".fifo") else (name, False)
    end, kind = (".fifo", {"FifoQueue": "true"}) if fifo else ("", {})
    made = await asyncio.to_thread(sqs.create_queue, QueueName=f"{stem}-dead{end}", Attributes=kind)
    found = await asyncio.to_thread(sqs.get_queue_attributes, QueueUrl=made["QueueUrl"], AttributeNames=["QueueArn"])
    policy = {"deadLetterTargetArn": found["Attributes"]["QueueArn"], "maxReceiveCount": max_receive_count}
    wanted = kind | {"VisibilityTimeout": f"{visibility_timeout}", "MessageRetentionPeriod": f"{retention}", "RedrivePolicy": json.dumps(policy)}
    return (await asyncio.to_thread(sqs.create_queue, QueueName=name, Attributes=wanted))["QueueUrl"]


def send_events(sqs, queue_url, events):
    asyncio.run(_send(sqs, queue_url, list(events)))


async def _send(sqs, queue_url, events):
    todo = asyncio.Queue()
    for number, event in enumerate(events):
        entry = {"Id": f"n{number}", "MessageBody": json.dumps(event, ensure_ascii=False),
                 "MessageAttributes": {"EventType": {"DataType": "String", "StringValue": "trip_start"}}}
        if queue_url.endswith(".fifo"):
            entry["MessageGroupId"] = "".join("-" if c == " " else c for c in event["pickup_zone"])
            entry["MessageDeduplicationId"] = "%s" % (event["event_id"],)
        todo.put_nowait((0, entry))
    while not todo.empty():
        batch = [todo.get_nowait() for _ in range(min(10, todo.qsize()))]
        tries = {entry["Id"]: (n, entry) for n, entry in batch}
        answer = await asyncio.to_thread(sqs.send_message_batch, QueueUrl=queue_url, Entries=[entry for _, entry in batch])
        for failure in answer.get("Failed", []):
            n, entry = tries[failure["Id"]]
            if n == 3:
                raise IOError(f"{failure}")
            todo.put_nowait((n + 1, entry))


def sqs_consumer(sqs, queue_url, handle, *, max_events, wait_seconds=5, batch_size=5, max_empty_receives=5):
    return asyncio.run(_consume(sqs, queue_url, handle, max_events, wait_seconds, batch_size, max_empty_receives))


async def _consume(sqs, queue_url, handle, max_events, wait_seconds, batch_size, patience):
    batches, wanted = asyncio.Queue(), asyncio.Queue()

    async def receive():
        empty = 0
        while empty < patience and (n := await wanted.get()):
            messages = (await asyncio.to_thread(partial(
                sqs.receive_message, QueueUrl=queue_url, MaxNumberOfMessages=n, WaitTimeSeconds=wait_seconds,
                MessageSystemAttributeNames=["MessageGroupId", "ApproximateReceiveCount"]))).get("Messages", [])
            empty = 0 if messages else empty + 1
            await batches.put(messages)
        await batches.put(None)

    receiver = asyncio.create_task(receive())
    done = 0
    wanted.put_nowait(min(batch_size, max_events))
    while (batch := await batches.get()) is not None:
        held = set()
        for m in batch:
            group = m["Attributes"].get("MessageGroupId") if queue_url.endswith(".fifo") else None
            try:
                event = json.loads(m["Body"])
            except json.JSONDecodeError:
                continue
            if not isinstance(event, dict) or group in held:
                continue
            try:
                handle(event)
            except Exception:
                if group is not None:
                    held.add(group)
            else:
                await asyncio.to_thread(sqs.delete_message, QueueUrl=queue_url, ReceiptHandle=m["ReceiptHandle"])
                done += 1
        wanted.put_nowait(min(batch_size, max_events - done))
    await receiver
    return done


def once(handle, seen):
    def inner(event):
        number = event["event_id"]
        if number in seen:
            return None
        try:
            return handle(event)
        except BaseException:
            number = None
            raise
        finally:
            if number is not None:
                seen.add(number)
    return inner
