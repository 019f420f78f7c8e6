"""Exercise 03, RabbitMQ: asynchronous."""

import json

import pika
from pika.adapters.select_connection import SelectConnection
from pika.exceptions import ConnectionClosedByClient


def arguments(queue):
    return {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue + ".dead"}


def declare_queue(channel, queue):
    channel.queue_declare(queue + ".dead", durable=True)
    channel.queue_declare(queue, durable=True, arguments=arguments(queue))


def publish_events(channel, queue, events):
    channel.confirm_delivery()
    for event in events:
        channel.basic_publish(
            exchange="",
            routing_key=queue,
            body=json.dumps(event).encode(),
            properties=pika.BasicProperties(delivery_mode=2),
            mandatory=True,
        )


class AsyncConsumer:
    def __init__(self, parameters, queue, handle, max_events, prefetch_count):
        self.queue = queue
        self.handle = handle
        self.max_events = max_events
        self.prefetch_count = prefetch_count
        self.handled = 0
        self.problem = None
        self.stopping = False
        self.connection = SelectConnection(
            parameters,
            on_open_callback=lambda c: c.channel(on_open_callback=self.on_channel),
            on_open_error_callback=lambda c, error: self.on_closed(c, error),
            on_close_callback=self.on_closed,
        )

    def run(self):
        self.connection.ioloop.start()
        if self.problem is not None:
            raise self.problem
        return self.handled

    def on_closed(self, connection, reason):
        # Closed by somebody else, the last acknowledgement may not have arrived.
        if not isinstance(reason, ConnectionClosedByClient) and self.problem is None:
            self.problem = reason if isinstance(reason, Exception) else ConnectionError(str(reason))
        connection.ioloop.stop()

    def on_channel(self, channel):
        self.channel = channel
        channel.add_on_close_callback(self.on_channel_closed)
        channel.queue_declare(self.queue + ".dead", durable=True, callback=self.on_dead)

    def on_channel_closed(self, channel, reason):
        if not self.stopping:
            self.problem = reason
            self.stop()

    def on_dead(self, _):
        self.channel.queue_declare(
            self.queue, durable=True, arguments=arguments(self.queue), callback=self.on_queue
        )

    def on_queue(self, _):
        self.channel.basic_qos(prefetch_count=self.prefetch_count, callback=self.on_qos)

    def on_qos(self, _):
        self.channel.basic_consume(self.queue, self.on_message)

    def on_message(self, channel, method, properties, body):
        if self.stopping:
            return  # closing gives it back
        try:
            event = json.loads(body)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            channel.basic_reject(method.delivery_tag, requeue=False)
            return
        try:
            self.handle(event)
        except Exception:
            channel.basic_reject(method.delivery_tag, requeue=not method.redelivered)
        except BaseException as error:
            self.problem = error
            self.stop()
        else:
            channel.basic_ack(method.delivery_tag)
            self.handled += 1
            if self.handled == self.max_events:
                self.stop()

    def stop(self):
        self.stopping = True
        if self.connection.is_open:
            self.connection.close()


def rabbitmq_consumer(parameters, queue, handle, *, max_events, prefetch_count=10):
    return AsyncConsumer(parameters, queue, handle, max_events, prefetch_count).run()
