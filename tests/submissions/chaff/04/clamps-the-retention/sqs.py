"""Exercise 04, in classes."""

import json


class QueueName:
    """Knows what a queue and its dead-letter queue are called."""

    SUFFIX = ".fifo"

    def __init__(self, name):
        self.name = name

    def is_fifo(self):
        return self.name.endswith(QueueName.SUFFIX)

    def dead(self):
        if self.is_fifo():
            return QueueName(self.name[: -len(QueueName.SUFFIX)] + "-dead" + QueueName.SUFFIX)
        return QueueName(self.name + "-dead")


class QueueCreator:
    def __init__(self, sqs):
        self.sqs = sqs

    def create_dead(self, name):
        attributes = {}
        if name.is_fifo():
            attributes["FifoQueue"] = "true"
        url = self.sqs.create_queue(QueueName=name.name, Attributes=attributes)["QueueUrl"]
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return answer["Attributes"]["QueueArn"]

    def create(self, name, visibility_timeout, retention, max_receive_count):
        arn = self.create_dead(name.dead())
        policy = {"deadLetterTargetArn": arn, "maxReceiveCount": max_receive_count}
        attributes = {
            "VisibilityTimeout": str(visibility_timeout),
            "MessageRetentionPeriod": str(max(retention, visibility_timeout, 3600)),
            "RedrivePolicy": json.dumps(policy),
        }
        if name.is_fifo():
            attributes["FifoQueue"] = "true"
        return self.sqs.create_queue(QueueName=name.name, Attributes=attributes)["QueueUrl"]


class EntryFactory:
    """Builds the entry of a batch from an event."""

    def build(self, entry_id, event):
        return {
            "Id": entry_id,
            "MessageBody": json.dumps(event),
            "MessageAttributes": {
                "EventType": {"DataType": "String", "StringValue": "trip_start"}
            },
        }


class FifoEntryFactory(EntryFactory):
    def build(self, entry_id, event):
        entry = super().build(entry_id, event)
        entry["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
        entry["MessageDeduplicationId"] = str(event["event_id"])
        return entry


class BatchSender:
    MAX_ENTRIES = 10
    MAX_TRIES = 4

    def __init__(self, sqs, url):
        self.sqs = sqs
        self.url = url
        self.factory = FifoEntryFactory() if QueueName(url).is_fifo() else EntryFactory()
        self.batch = []

    def add(self, event):
        self.batch.append(self.factory.build(str(len(self.batch)), event))
        if len(self.batch) == BatchSender.MAX_ENTRIES:
            self.flush()

    def flush(self):
        tries = 0
        while self.batch:
            if tries == BatchSender.MAX_TRIES:
                raise RuntimeError("SQS does not take " + str(len(self.batch)) + " events")
            tries += 1
            answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=self.batch)
            failed = {each["Id"] for each in answer.get("Failed", [])}
            self.batch = [entry for entry in self.batch if entry["Id"] in failed]


class Message:
    def __init__(self, raw):
        self.handle = raw["ReceiptHandle"]
        self.group = raw.get("Attributes", {}).get("MessageGroupId")
        self.body = raw["Body"]

    def event(self):
        try:
            value = json.loads(self.body)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None


class Consumer:
    def __init__(self, sqs, url, handle, max_events, wait_seconds, batch_size, max_empty_receives):
        self.sqs = sqs
        self.url = url
        self.handle = handle
        self.max_events = max_events
        self.wait_seconds = wait_seconds
        self.batch_size = batch_size
        self.max_empty_receives = max_empty_receives
        self.handled = 0
        self.empty = 0
        self.fifo = QueueName(url).is_fifo()

    def receive(self):
        answer = self.sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=min(self.batch_size, self.max_events - self.handled),
            WaitTimeSeconds=self.wait_seconds,
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
        )
        return [Message(raw) for raw in answer.get("Messages", [])]

    def process(self, message):
        """True where it was handled."""
        event = message.event()
        if event is None:
            return True
        try:
            self.handle(event)
        except Exception:
            return False
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message.handle)
        self.handled += 1
        return True

    def process_all(self, messages):
        closed = set()
        for message in messages:
            if self.fifo and message.group in closed:
                continue
            if not self.process(message):
                closed.add(message.group)

    def run(self):
        while self.handled < self.max_events and self.empty < self.max_empty_receives:
            messages = self.receive()
            if messages:
                self.empty = 0
                self.process_all(messages)
            else:
                self.empty += 1
        return self.handled


class OnceHandler:
    def __init__(self, handle, seen):
        self.handle = handle
        self.seen = seen

    def __call__(self, event):
        identity = event["event_id"]
        if identity in self.seen:
            return
        self.handle(event)
        self.seen.add(identity)


def create_queue(sqs, name, *, visibility_timeout=30, retention=86400, max_receive_count=3):
    return QueueCreator(sqs).create(
        QueueName(name), visibility_timeout, retention, max_receive_count
    )


def send_events(sqs, queue_url, events):
    sender = BatchSender(sqs, queue_url)
    for event in events:
        sender.add(event)
    sender.flush()


def sqs_consumer(
    sqs, queue_url, handle, *, max_events, wait_seconds=5, batch_size=5, max_empty_receives=5
):
    return Consumer(
        sqs, queue_url, handle, max_events, wait_seconds, batch_size, max_empty_receives
    ).run()


def once(handle, seen):
    return OnceHandler(handle, seen)
