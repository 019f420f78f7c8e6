import json

import pika


def declare_queue(channel, queue):
    dead = queue + ".dead"
    channel.queue_declare(queue=dead, durable=True)
    channel.queue_declare(
        queue=queue,
        durable=True,
        arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead},
    )


def publish_events(channel, queue, events):
    channel.confirm_delivery()
    properties = pika.BasicProperties(delivery_mode=2, content_type="application/json")
    for event in events:
        channel.basic_publish(
            exchange="",
            routing_key=queue,
            body=json.dumps(event).encode("utf-8"),
            properties=properties,
            mandatory=True,
        )


def _event(data):
    try:
        value = json.loads(data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _successes(channel, queue, handle):
    """Yield after each success."""
    try:
        for delivery, _, body in channel.consume(queue):
            event = _event(body)
            if event is None:
                channel.basic_reject(delivery.delivery_tag, requeue=False)
                continue
            try:
                handle(event)
            except Exception:
                channel.basic_reject(delivery.delivery_tag, requeue=not delivery.redelivered)
            else:
                channel.basic_ack(delivery.delivery_tag)
                yield event
        raise RuntimeError("the queue is gone")
    except GeneratorExit:  # we are closed after max_events
        return


def rabbitmq_consumer(parameters, queue, handle, *, max_events, prefetch_count=10):
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=prefetch_count)
        handled = 0
        for _ in _successes(channel, queue, handle):
            handled += 1
            if handled == max_events:
                break
        return handled
