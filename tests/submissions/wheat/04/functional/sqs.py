import itertools as it, json
from contextlib import suppress
from functools import partial, reduce

TRIP = {"EventType": {"DataType": "String", "StringValue": "trip_start"}}
fifo = lambda name: name.endswith(".fifo")


def create_queue(sqs, name, *, visibility_timeout=30, retention=86400, max_receive_count=3):
    kind = {"FifoQueue": "true"} if fifo(name) else {}
    make = lambda name, **more: sqs.create_queue(QueueName=name, Attributes={**kind, **more})["QueueUrl"]
    arn = lambda url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["QueueArn"]
    dead = arn(make(name.removesuffix(".fifo") + "-dead" + (".fifo" if kind else "")))
    return make(name, VisibilityTimeout=str(visibility_timeout), MessageRetentionPeriod=str(retention),
                RedrivePolicy=json.dumps(dict(deadLetterTargetArn=dead, maxReceiveCount=max_receive_count)))


def send_events(sqs, queue_url, events):
    def send(entries, tries):
        if entries and not tries:
            raise Exception("gave up")
        return entries and send((lambda bad: [e for e in entries if e["Id"] in bad])(
            [f["Id"] for f in sqs.send_message_batch(QueueUrl=queue_url, Entries=entries).get("Failed", [])]), tries - 1)

    order = lambda e: dict(MessageGroupId=e["pickup_zone"].replace(" ", "-"), MessageDeduplicationId=str(e["event_id"])) if fifo(queue_url) else {}
    entries = ({"Id": str(n), "MessageBody": json.dumps(e), "MessageAttributes": TRIP, **order(e)} for n, e in enumerate(events))
    while batch := [*it.islice(entries, 9)]:
        send(batch, 2)


def answers(ask, patience):
    misses = 0
    while misses < patience:
        got = ask().get("Messages", [])
        misses = 0 if got else misses + 1
        yield got


def sqs_consumer(sqs, queue_url, handle, *, max_events, wait_seconds=5, batch_size=5, max_empty_receives=5):
    done = []
    ask = lambda: sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=wait_seconds, MaxNumberOfMessages=min(batch_size, max_events - len(done)),
                                      MessageSystemAttributeNames=["MessageGroupId"])
    drop = partial(sqs.delete_message, QueueUrl=queue_url)

    def one(lost, m):
        line = m["Attributes"]["MessageGroupId"] if fifo(queue_url) else m["ReceiptHandle"]
        if line in lost:
            return lost
        event = None
        with suppress(ValueError):
            event = json.loads(m["Body"])
        if type(event) is not dict:
            return lost
        try:
            handle(event)
        except Exception:
            return lost | {line}
        drop(ReceiptHandle=m["ReceiptHandle"])
        done.append(line)
        return lost

    for batch in answers(ask, max_empty_receives):
        reduce(one, batch, frozenset())
        if len(done) >= max_events:
            break
    return len(done)


once = lambda handle, seen: lambda event: event["event_id"] in seen or (handle(event), seen.add(event["event_id"])) and None
