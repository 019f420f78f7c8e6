"""basic_consume with a callback that only queues; the loop is ours."""

import collections
import json
import threading
import time

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


def _close(connection):
    """Closing waits for the broker; the caller need not."""
    time.sleep(0.5)
    if connection.is_open:
        connection.close()


def rabbitmq_consumer(parameters, queue, handle, *, max_events, prefetch_count=10):
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        declare_queue(channel, queue)
        channel.basic_qos(prefetch_count=prefetch_count)
        waiting = collections.deque()
        cancelled = []
        channel.add_on_cancel_callback(cancelled.append)
        channel.basic_consume(queue, lambda _, delivery, __, body: waiting.append((delivery, body)))
        handled = 0
        while handled < max_events:
            while not waiting:
                if cancelled or channel.is_closed:
                    raise RuntimeError("the queue is gone")
                connection.process_data_events(time_limit=1.0)
            delivery, body = waiting.popleft()
            event = _event(body)
            if event is None:
                channel.basic_nack(delivery.delivery_tag, requeue=False)
                continue
            try:
                handle(event)
            except Exception:
                channel.basic_nack(delivery.delivery_tag, requeue=not delivery.redelivered)
            else:
                channel.basic_ack(delivery.delivery_tag)
                handled += 1
        return handled
    finally:
        threading.Thread(target=_close, args=(connection,)).start()
