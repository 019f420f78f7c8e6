"""Sends batches in parallel to a standard queue, all failed ones in a second round; receives in a thread."""
import functools
import itertools
import json
import queue
import threading
from concurrent.futures import ThreadPoolExecutor


def create_queue(sqs, name, *, visibility_timeout=30, retention=86400, max_receive_count=3):
    fifo = name.endswith(".fifo")
    base = name[:-5] if fifo else name
    kind = dict(FifoQueue="true") if fifo else {}
    more = dict(ContentBasedDeduplication="true") if fifo else {}
    dead = sqs.create_queue(QueueName=base + "-dead" + (".fifo" if fifo else ""), Attributes=kind)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return sqs.create_queue(QueueName=name, Attributes={**kind, **more, "VisibilityTimeout": str(visibility_timeout),
        "MessageRetentionPeriod": str(retention),
        "RedrivePolicy": json.dumps({"maxReceiveCount": max_receive_count, "deadLetterTargetArn": arn})})["QueueUrl"]


def chunks(items, size):
    it = iter(items)
    return iter(lambda: list(itertools.islice(it, size)), [])


def send_events(sqs, queue_url, events):
    entries = []
    fifo = queue_url.endswith(".fifo")
    for n, event in enumerate(events):
        e = dict(Id=f"id-{n}", MessageBody=json.dumps(event),
                 MessageAttributes={"EventType": {"DataType": "String", "StringValue": "trip_start"}})
        if fifo:
            e |= dict(MessageGroupId="-".join(event["pickup_zone"].split(" ")), MessageDeduplicationId=f"{event['event_id']}")
        entries.append(e)

    def one(batch):
        answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=batch)
        bad = {f["Id"] for f in answer.get("Failed", [])}
        return [e for e in batch if e["Id"] in bad]

    for _ in range(5):
        if not entries:
            return
        with ThreadPoolExecutor(1 if fifo else 4) as pool:
            entries = [e for failed in pool.map(one, list(chunks(entries, 7))) for e in failed]
    if entries:
        raise RuntimeError(f"{len(entries)} failed")


def sqs_consumer(sqs, queue_url, handle, *, max_events, wait_seconds=5, batch_size=5, max_empty_receives=5):
    wanted = queue.Queue()
    got = queue.Queue()

    def receiver():
        while (n := wanted.get()) is not None:
            try:
                got.put(sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=n, WaitTimeSeconds=wait_seconds,
                                            MessageSystemAttributeNames=["MessageGroupId"]).get("Messages", []))
            except Exception as error:
                got.put(error)

    thread = threading.Thread(target=receiver)
    thread.start()
    try:
        count, misses = 0, itertools.count(1)
        while count < max_events:
            wanted.put(min(batch_size, max_events - count))
            batch = got.get()
            if isinstance(batch, Exception):
                raise batch
            if not batch:
                if next(misses) == max_empty_receives:
                    break
                continue
            misses = itertools.count(1)
            refused = []
            for m in batch:
                if m.get("Attributes", {}).get("MessageGroupId") in refused:
                    continue
                try:
                    event = json.loads(m["Body"])
                except json.JSONDecodeError:
                    continue
                if not hasattr(event, "items"):
                    continue
                try:
                    handle(event)
                except Exception:
                    if ".fifo" in queue_url:
                        refused.append(m["Attributes"]["MessageGroupId"])
                else:
                    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=m["ReceiptHandle"])
                    count += 1
        return count
    finally:
        wanted.put(None)
        thread.join()


def once(handle, seen, lock=threading.Lock()):
    @functools.wraps(handle)
    def inner(event):
        with lock:
            if event["event_id"] in seen:
                return
            handle(event)
            seen.add(event["event_id"])
    return inner
