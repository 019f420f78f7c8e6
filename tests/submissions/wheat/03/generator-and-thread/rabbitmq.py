"""Exercise 03, RabbitMQ: the generator, cancelled."""

import contextlib
import json

import pika
from pika.exceptions import AMQPError

DEAD = ".dead"


class BadMessage(Exception):
    pass


def declare_queue(channel, queue):
    """A named dead-letter exchange, with the dead-letter queue bound to it."""
    channel.exchange_declare(queue + ".dlx", exchange_type="fanout", durable=True)
    channel.queue_declare(queue + DEAD, durable=True)
    channel.queue_bind(queue + DEAD, queue + ".dlx")
    channel.queue_declare(queue, durable=True, arguments={"x-dead-letter-exchange": queue + ".dlx"})


def publish_events(channel, queue, events):
    channel.confirm_delivery()
    for event in events:
        message = json.dumps(event, ensure_ascii=False).encode("utf-8")
        how = pika.BasicProperties("application/json", delivery_mode=2)
        channel.basic_publish("", queue, message, how, True)


def to_event(body):
    try:
        event = json.loads(body.decode("utf-8"))
    except ValueError as error:
        raise BadMessage from error
    if not isinstance(event, dict):
        raise BadMessage
    return event


def rabbitmq_consumer(parameters, queue, handle, *, max_events, prefetch_count=10):
    with contextlib.closing(pika.BlockingConnection(parameters)) as connection:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=prefetch_count)
        handled = 0
        try:
            for method, _, body in channel.consume(queue, inactivity_timeout=1.0):
                if method is None:
                    continue
                try:
                    handle(to_event(body))
                except BadMessage:
                    channel.basic_reject(method.delivery_tag, requeue=False)
                except Exception:
                    channel.basic_reject(method.delivery_tag, requeue=not method.redelivered)
                else:
                    channel.basic_ack(method.delivery_tag)
                    handled += 1
                    if handled == max_events:
                        channel.cancel()
                        return handled
        except AMQPError:
            raise
    raise ConnectionError("the consumer was cancelled")
