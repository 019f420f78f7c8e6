"""Exercise 03, RabbitMQ."""

import json

import pika


def declare_queue(channel, queue):
    dead = queue + ".dead"
    channel.queue_declare(queue=dead, durable=True)
    exchange = queue + ".dlx"
    channel.exchange_declare(exchange, exchange_type="direct", durable=True)
    channel.queue_bind(dead, exchange, routing_key="dead")
    channel.queue_declare(
        queue=queue,
        durable=True,
        arguments={"x-dead-letter-exchange": exchange, "x-dead-letter-routing-key": "dead"},
    )


def publish_events(channel, queue, events):
    channel.confirm_delivery()
    for event in events:
        channel.basic_publish(
            exchange="",
            routing_key=queue,
            body=json.dumps(event).encode(),
            properties=pika.BasicProperties(delivery_mode=2, content_type="application/json"),
            mandatory=True,
        )


def _event(body):
    try:
        event = json.loads(body)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def rabbitmq_consumer(parameters, queue, handle, *, max_events, prefetch_count=10):
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=prefetch_count)
        handled = 0
        for method, _properties, body in channel.consume(queue):
            event = _event(body)
            if event is None:
                channel.basic_reject(method.delivery_tag, requeue=False)
                continue
            try:
                handle(event)
            except Exception:
                channel.basic_reject(method.delivery_tag, requeue=not method.redelivered)
                continue
            channel.basic_ack(method.delivery_tag)
            handled += 1
            if handled == max_events:
                return handled
        raise RuntimeError("the queue is gone")
    finally:
        if connection.is_open:
            connection.close()
