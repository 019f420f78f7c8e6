"""Exercise 03, RabbitMQ: pulled one at a time."""

import json

import pika


def declare_queue(channel, queue):
    channel.queue_declare(f"{queue}.dead", durable=True)
    channel.queue_declare(
        queue,
        durable=True,
        arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{queue}.dead"},
    )


def publish_events(channel, queue, events):
    channel.confirm_delivery()
    for event in events:
        channel.basic_publish(
            "", queue, json.dumps(event), pika.BasicProperties(delivery_mode=2), mandatory=True
        )


def rabbitmq_consumer(parameters, queue, handle, *, max_events, prefetch_count=10):
    connection = pika.BlockingConnection(parameters)
    handled = 0
    try:
        channel = connection.channel()
        declare_queue(channel, queue)
        while handled < max_events:
            method, _, body = channel.basic_get(queue)
            if method is None:
                connection.sleep(0.02)
            elif (event := parse(body)) is None:
                channel.basic_nack(method.delivery_tag, requeue=False)
            elif succeeds(handle, event):
                channel.basic_ack(method.delivery_tag)
                handled += 1
            elif method.redelivered:
                channel.basic_nack(method.delivery_tag, requeue=False)
            else:
                channel.basic_nack(method.delivery_tag, requeue=True)
        return handled
    finally:
        if connection.is_open:
            connection.close()


def succeeds(handle, event):
    try:
        handle(event)
    except Exception:
        return False
    return True


def parse(body):
    try:
        event = json.loads(body)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
