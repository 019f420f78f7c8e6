"""Exercise 03, RabbitMQ: a pool of one, and a connection for each purpose."""

import json
from concurrent.futures import ThreadPoolExecutor

import pika


def declare_queue(channel, queue):
    names = [queue + ".dead", queue]
    extras = [{}, {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": names[0]}]
    for name, extra in zip(names, extras):
        channel.queue_declare(queue=name, durable=True, exclusive=False, arguments=extra)


def publish_events(channel, queue, events):
    channel.confirm_delivery()
    for event in events:
        try:
            channel.basic_publish(
                "", queue, json.dumps(event), pika.BasicProperties(delivery_mode=2), mandatory=True
            )
        except (pika.exceptions.UnroutableError, pika.exceptions.NackError) as problem:
            raise RuntimeError(f"the broker has not taken {event}") from problem


def rabbitmq_consumer(parameters, queue, handle, *, max_events, prefetch_count=10):
    with pika.BlockingConnection(parameters) as declaring:
        declare_queue(declaring.channel(), queue)
    handled = 0
    with (
        ThreadPoolExecutor(max_workers=1) as pool,
        pika.BlockingConnection(parameters) as connection,
    ):
        channel = connection.channel()
        channel.basic_qos(prefetch_count=prefetch_count)
        for method, _, body in channel.consume(queue, inactivity_timeout=0.3):
            if method is None and not channel.consumer_tags:
                break
            if method is None:
                continue
            answer, tag = answer_to(body, method.redelivered, pool, handle), method.delivery_tag
            if answer == "ack":
                channel.basic_ack(tag)
                handled += 1
                if handled >= max_events:
                    return handled
            else:
                channel.basic_nack(tag, requeue=answer == "again")
    raise RuntimeError(f"the queue ended after {handled} events")


def answer_to(body, again, pool, handle):
    try:
        event = json.loads(body)
    except ValueError:
        return "dead"
    if not isinstance(event, dict):
        return "dead"
    problem = pool.submit(handle, event).exception()
    if problem is None:
        return "ack"
    if not isinstance(problem, Exception):
        raise problem
    return "dead" if again else "again"
