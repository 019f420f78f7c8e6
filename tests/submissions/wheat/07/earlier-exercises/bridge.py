"""The bridge, out of what there was already."""

import json
import time

import pika
from pika.exceptions import ConsumerCancelled
from polling import poll
from rabbitmq import declare_queue, publish_events

TOO_LARGE = 1024**2 + 1


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        declare_queue(channel, queue)

        def handle(event):
            publish_events(channel, queue, [event])

        return poll(
            path, handle,
            poll_interval=poll_interval, max_polls=max_polls, offset_path=offset_path, sleep=sleep,
        )


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    sent = 0
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=batch_size)
        batch = Batch(channel, sqs, queue_url)
        idle_since = time.monotonic()
        for delivery, _, body in channel.consume(queue, inactivity_timeout=0.2):
            if stop():
                return batch.sent
            if delivery is None and not batch.held:
                if time.monotonic() - idle_since >= max_idle:
                    return batch.sent
                continue
            if delivery is not None:
                if not batch.takes(body):
                    channel.basic_reject(delivery.delivery_tag, requeue=False)
                    continue
                if batch.size() + len(body) >= TOO_LARGE:
                    batch.send(stop)
                batch.held[str(delivery.delivery_tag)] = body
            if delivery is None or len(batch.held) == batch_size:
                batch.send(stop)
            idle_since = time.monotonic()
    raise ConsumerCancelled(sent)


class Batch:
    def __init__(self, channel, sqs, url):
        self.channel, self.sqs, self.url = channel, sqs, url
        self.held, self.sent = {}, 0

    def size(self):
        return sum(map(len, self.held.values()))

    def takes(self, body):
        try:
            self.entry("0", body)
        except (ValueError, KeyError, TypeError, AttributeError):
            return False
        return 0 < len(body) < TOO_LARGE

    def entry(self, key, body):
        entry = {"Id": key, "MessageBody": body.decode()}
        if self.url.endswith(".fifo"):
            event = json.loads(body)
            entry["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
            entry["MessageDeduplicationId"] = str(event["event_id"])
        return entry

    def send(self, stop):
        while self.held and not stop():
            entries = [self.entry(key, body) for key, body in self.held.items()]
            answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
            failed = [each["Id"] for each in answer.get("Failed", [])]
            for key in [key for key in self.held if key not in failed]:
                self.channel.basic_ack(int(key))
                del self.held[key]
                self.sent += 1
            if failed:
                self.channel.connection.sleep(0.2)
