"""Exercise 03, RabbitMQ: the connection stays awake while handle works in another thread."""

import collections
import functools
import json
import queue
import threading

import pika
from pika.exceptions import AMQPError


def declare_queue(channel, queue):
    channel.queue_declare(queue + ".dead", durable=True)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue + ".dead"}
    channel.queue_declare(queue, durable=True, arguments=arguments)


def publish_events(channel, queue, events):
    channel.confirm_delivery()
    persistent = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
    for event in events:
        channel.basic_publish("", queue, json.dumps(event), persistent, mandatory=True)


class Consumer:
    def __init__(self, connection, channel, handle, max_events):
        self.connection = connection
        self.channel = channel
        self.handle = handle
        self.max_events = max_events
        self.backlog = collections.deque()
        self.tasks = queue.SimpleQueue()
        self.busy = False
        self.handled = 0
        self.problem = None

    def on_message(self, channel, method, properties, body):
        try:
            event = json.loads(body)
        except ValueError:
            event = None
        if isinstance(event, dict):
            self.backlog.append((method, event))
            self.next()
        else:
            channel.basic_reject(method.delivery_tag, requeue=False)

    def next(self):
        if self.backlog and not self.busy and not self.over:
            self.busy = True
            self.tasks.put(self.backlog.popleft())

    @property
    def over(self):
        return self.handled >= self.max_events or self.problem is not None

    def work(self):
        while (task := self.tasks.get()) is not None:
            method, event = task
            outcome = None
            try:
                self.handle(event)
            except BaseException as error:
                outcome = error
            try:
                self.connection.add_callback_threadsafe(functools.partial(self.done, method, outcome))
            except AMQPError:
                return  # the caller's thread has noticed

    def done(self, method, outcome):
        self.busy = False
        if outcome is None:
            self.channel.basic_ack(method.delivery_tag)
            self.handled += 1
        elif isinstance(outcome, Exception):
            self.channel.basic_reject(method.delivery_tag, requeue=not method.redelivered)
        else:
            self.problem = outcome
        self.next()


def rabbitmq_consumer(parameters, queue, handle, *, max_events, prefetch_count=10):
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=prefetch_count)
        consumer = Consumer(connection, channel, handle, max_events)
        worker = threading.Thread(target=consumer.work)
        worker.start()
        try:
            channel.basic_consume(queue, consumer.on_message)
            while not consumer.over:
                connection.process_data_events(time_limit=5)
        finally:
            consumer.tasks.put(None)
            worker.join()
    if consumer.problem is not None:
        raise consumer.problem
    return consumer.handled
