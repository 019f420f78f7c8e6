"""Connection, topology, verdicts."""

from __future__ import annotations

import enum
import json

import pika


class Topology:
    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._dead = f"{queue}.dead"

    def declare_on(self, channel) -> None:
        channel.queue_declare(self._dead, durable=True)
        channel.queue_declare(self._queue, durable=True, arguments=self._arguments())

    def _arguments(self) -> dict:
        return {"x-max-length": 1000, "x-overflow": "drop-head", "x-dead-letter-exchange": "", "x-dead-letter-routing-key": self._dead}


class Verdict(enum.Enum):
    DONE = enum.auto()
    AGAIN = enum.auto()
    DEAD = enum.auto()


class Judge:
    def __init__(self, handle) -> None:
        self._handle = handle

    def judge(self, delivery, body: bytes) -> Verdict:
        event = self._parse(body)
        if event is None:
            return Verdict.DEAD
        try:
            self._handle(event)
        except Exception:
            return Verdict.DEAD if delivery.redelivered else Verdict.AGAIN
        return Verdict.DONE

    @staticmethod
    def _parse(body: bytes) -> dict | None:
        try:
            value = json.loads(body)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None


class Consumer:
    def __init__(self, parameters, queue: str, prefetch_count: int) -> None:
        self._parameters = parameters
        self._queue = queue
        self._prefetch_count = prefetch_count
        self._connection = None

    def __enter__(self) -> Consumer:
        self._connection = pika.BlockingConnection(self._parameters)
        return self

    def __exit__(self, *_) -> None:
        if self._connection.is_open:
            self._connection.close()

    def run(self, judge: Judge, max_events: int) -> int:
        channel = self._connection.channel()
        Topology(self._queue).declare_on(channel)
        channel.basic_qos(prefetch_count=self._prefetch_count)
        done = 0
        for delivery, _, body in channel.consume(self._queue, inactivity_timeout=None):
            verdict = judge.judge(delivery, body)
            match verdict:
                case Verdict.DONE:
                    channel.basic_ack(delivery.delivery_tag)
                    done += 1
                case Verdict.AGAIN:
                    channel.basic_reject(delivery.delivery_tag, requeue=True)
                case Verdict.DEAD:
                    channel.basic_reject(delivery.delivery_tag, requeue=False)
            if done == max_events:
                return done
        raise pika.exceptions.ConsumerCancelled()


class Publisher:
    PROPERTIES = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent.value)

    def __init__(self, channel, queue: str) -> None:
        channel.confirm_delivery()
        self._channel = channel
        self._queue = queue

    def publish(self, event) -> None:
        self._channel.basic_publish("", self._queue, json.dumps(event).encode(), self.PROPERTIES, True)


def declare_queue(channel, queue):
    Topology(queue).declare_on(channel)


def publish_events(channel, queue, events):
    publisher = Publisher(channel, queue)
    for event in events:
        publisher.publish(event)


def rabbitmq_consumer(parameters, queue, handle, *, max_events, prefetch_count=10):
    with Consumer(parameters, queue, prefetch_count) as consumer:
        return consumer.run(Judge(handle), max_events)
