"""Exercise 03: RabbitMQ."""

import json

import pika


def declare_queue(channel, queue):
    channel.queue_declare(queue=queue + ".dead", durable=True)
    channel.queue_declare(
        queue=queue,
        durable=True,
        arguments={
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": queue + ".dead",
        },
    )


def publish_events(channel, queue, events):
    channel.confirm_delivery()
    for event in events:
        channel.basic_publish(
            exchange="",
            routing_key=queue,
            body=json.dumps(event),
            properties=pika.BasicProperties(delivery_mode=2),
            mandatory=True,
        )


def rabbitmq_consumer(parameters, queue, handle, *, max_events, prefetch_count=10):
    handled = 0
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=prefetch_count)
        for method, properties, body in channel.consume(queue):
            event = parse(body)
            if event is None:
                channel.basic_nack(method.delivery_tag, requeue=False)
                continue
            channel.basic_ack(method.delivery_tag)
            if not (works(handle, event) or works(handle, event)):
                channel.basic_publish("", queue + ".dead", body, properties)
                continue
            handled += 1
            if handled == max_events:
                break
        else:
            raise RuntimeError("the queue was deleted")
    finally:
        if connection.is_open:
            connection.close()
    return handled


def works(handle, event):
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
