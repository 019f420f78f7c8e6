"""Exercise 03, RabbitMQ: quorum queues, acknowledged in groups."""

import json

import pika


def declare_queue(channel, queue):
    dead = queue + ".dead"
    channel.queue_declare(dead, durable=True, arguments={"x-queue-type": "quorum"})
    channel.queue_declare(
        queue,
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead,
        },
    )


def publish_events(channel, queue, events):
    channel.confirm_delivery()
    for event in events:
        body = json.dumps(event)
        properties = pika.BasicProperties(delivery_mode=2, content_type="application/json")
        channel.basic_publish("", queue, body, properties, mandatory=True)


def rabbitmq_consumer(parameters, queue, handle, *, max_events, prefetch_count=10):
    """Successes are acknowledged together: after a few, before anything else, and at the end."""
    with pika.BlockingConnection(parameters) as connection, connection.channel() as channel:
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=prefetch_count)
        handled = 0
        pending = 0
        last = None

        def acknowledge():
            nonlocal pending
            if pending:
                channel.basic_ack(last, multiple=True)
                pending = 0

        for method, _, body in channel.consume(queue, inactivity_timeout=0.05):
            if method is None:
                acknowledge()
                continue
            try:
                event = json.loads(body)
                bad = not isinstance(event, dict)
            except ValueError:
                bad = True
            if bad:
                acknowledge()
                channel.basic_reject(method.delivery_tag, requeue=False)
                continue
            try:
                handle(event)
            except Exception:
                acknowledge()
                channel.basic_reject(method.delivery_tag, requeue=not method.redelivered)
                continue
            handled += 1
            pending += 1
            last = method.delivery_tag
            if handled == max_events:
                acknowledge()
                return handled
            if pending >= max(1, prefetch_count // 2):
                acknowledge()
        raise RuntimeError("the queue was deleted")
