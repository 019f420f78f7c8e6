"""Exercise 03, RabbitMQ: a class for the consumer, an ExitStack for what it opens."""

import json
from collections import OrderedDict
from contextlib import ExitStack
from typing import NamedTuple

import pika


class Count(int):
    """A number of events."""


class Names(NamedTuple):
    queue: str
    dead: str

    @classmethod
    def of(cls, queue):
        return cls(queue, f"{queue}.dead")


class Consumer:
    def __init__(self, channel, handle):
        self.channel = channel
        self.handle = handle
        self.handled = Count()

    def __call__(self, method, properties, body):
        if (event := self.parse(body)) is None:
            return self.channel.basic_reject(method.delivery_tag, requeue=False)
        try:
            self.handle(event)
        except Exception:
            return self.channel.basic_reject(method.delivery_tag, requeue=not method.redelivered)
        self.channel.basic_ack(method.delivery_tag)
        self.handled = Count(self.handled + 1)

    @staticmethod
    def parse(body):
        try:
            event = json.loads(body, object_pairs_hook=OrderedDict)
        except ValueError:
            return None
        return event if isinstance(event, dict) else None


def declare_queue(channel, queue):
    names = Names.of(queue)
    for name in reversed(names):
        arguments = {}
        if name == names.queue:
            arguments["x-dead-letter-exchange"] = ""
            arguments["x-dead-letter-routing-key"] = names.dead
        channel.queue_declare(name, durable=True, arguments=arguments or None)


def publish_events(channel, queue, events):
    channel.confirm_delivery()
    how = pika.BasicProperties(delivery_mode=2)
    [channel.basic_publish("", queue, json.dumps(e), how, mandatory=True) for e in events]


def rabbitmq_consumer(parameters, queue, handle, *, max_events, prefetch_count=10):
    with ExitStack() as stack:
        connection = stack.enter_context(pika.BlockingConnection(parameters))
        channel = stack.enter_context(connection.channel())
        declare_queue(channel, queue)
        channel.basic_qos(0, prefetch_count, False)
        consumer = Consumer(channel, handle)
        deliveries = channel.consume(queue)
        while consumer.handled < max_events:
            if (delivery := next(deliveries, None)) is None:
                raise LookupError(f"the queue {queue} is gone")
            consumer(*delivery)
        channel.cancel()
        return consumer.handled
