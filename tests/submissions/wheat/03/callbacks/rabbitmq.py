"""Exercise 03, RabbitMQ: callbacks."""

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
    properties = pika.BasicProperties(delivery_mode=2)
    for event in events:
        channel.basic_publish(
            exchange="",
            routing_key=queue,
            body=json.dumps(event),
            properties=properties,
            mandatory=True,
        )


def rabbitmq_consumer(parameters, queue, handle, *, max_events, prefetch_count=10):
    handled = 0

    def on_message(channel, method, properties, body):
        nonlocal handled
        try:
            event = json.loads(body)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            channel.basic_nack(method.delivery_tag, requeue=False)
            return
        try:
            handle(event)
        except Exception:
            channel.basic_nack(method.delivery_tag, requeue=not method.redelivered)
            return
        channel.basic_ack(method.delivery_tag)
        handled += 1
        if handled >= max_events:
            channel.stop_consuming()

    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=prefetch_count)
        channel.basic_consume(queue, on_message)
        channel.start_consuming()
    finally:
        if connection.is_open:
            connection.close()
    if handled < max_events:
        raise RuntimeError(f"the queue went away after {handled} of {max_events} events")
    return handled
