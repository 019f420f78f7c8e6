"""Exercise 03, RabbitMQ: asyncio."""

import asyncio
import json

import pika
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.exceptions import ConnectionClosedByClient


def queues(queue):
    dead = queue + ".dead"
    return {
        dead: None,
        queue: {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead},
    }


def declare_queue(channel, queue):
    for name, arguments in queues(queue).items():
        channel.queue_declare(name, durable=True, arguments=arguments)


def publish_events(channel, queue, events):
    channel.confirm_delivery()
    for event in events:
        channel.basic_publish(
            "",
            queue,
            bytes(json.dumps(event), "utf-8"),
            pika.BasicProperties(delivery_mode=2),
            mandatory=True,
        )


def rabbitmq_consumer(parameters, queue, handle, *, max_events, prefetch_count=10):
    return asyncio.run(consume(parameters, queue, handle, max_events, prefetch_count))


async def consume(parameters, queue, handle, max_events, prefetch_count):
    loop = asyncio.get_running_loop()
    deliveries = asyncio.Queue()
    closed = loop.create_future()
    opened = loop.create_future()

    def on_closed(_, reason):
        problem = reason if isinstance(reason, Exception) else ConnectionError(reason)
        for waiting in (opened, done):
            if not waiting.done():
                waiting.set_exception(problem)
        if not closed.done():
            closed.set_result(problem)
        deliveries.put_nowait(problem)

    done = loop.create_future()
    connection = AsyncioConnection(
        parameters,
        on_open_callback=opened.set_result,
        on_open_error_callback=on_closed,
        on_close_callback=on_closed,
    )
    await opened

    async def call(method, *args, **kwargs):
        answer = loop.create_future()
        waiting.append(answer)
        method(*args, callback=lambda frame: answer.done() or answer.set_result(frame), **kwargs)
        return await answer

    waiting = []

    def on_channel_closed(_, reason):
        for answer in waiting:
            if not answer.done():
                answer.set_exception(reason)
        deliveries.put_nowait(reason)

    try:
        ready = loop.create_future()
        connection.channel(on_open_callback=ready.set_result)
        channel = await ready
        channel.add_on_close_callback(on_channel_closed)
        for name, arguments in queues(queue).items():
            await call(channel.queue_declare, name, durable=True, arguments=arguments)
        await call(channel.basic_qos, prefetch_count=prefetch_count)
        channel.add_on_cancel_callback(deliveries.put_nowait)
        channel.basic_consume(queue, lambda *delivery: deliveries.put_nowait(delivery))
        handled = 0
        while handled < max_events:
            delivery = await deliveries.get()
            if not isinstance(delivery, tuple):
                raise delivery if isinstance(delivery, Exception) else EOFError("cancelled")
            _, method, _, body = delivery
            event = parse(body)
            if event is None:
                channel.basic_reject(method.delivery_tag, requeue=False)
                continue
            try:
                handle(event)
            except Exception:
                channel.basic_reject(method.delivery_tag, requeue=not method.redelivered)
            else:
                channel.basic_ack(method.delivery_tag)
                handled += 1
    finally:
        done.cancel()
        if connection.is_open:
            connection.close()
        if not connection.is_closed:
            await closed
    # Closed by somebody else, the last acknowledgement may not have arrived.
    if isinstance(problem := closed.result(), ConnectionClosedByClient):
        return handled
    raise problem


def parse(body):
    try:
        event = json.loads(body)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
