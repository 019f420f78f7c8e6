"""Exercise 03, RabbitMQ."""

import json

import pika
import pika.exceptions


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
    import asyncio

    return asyncio.run(_consume(asyncio, parameters, queue, handle, max_events, prefetch_count))


async def _consume(asyncio, parameters, queue, handle, max_events, prefetch_count):
    from pika.adapters.asyncio_connection import AsyncioConnection

    loop = asyncio.get_running_loop()
    over = loop.create_future()
    closed = loop.create_future()
    opened = loop.create_future()
    inbox = asyncio.Queue()

    def lose(_, reason):
        if not opened.done():
            opened.set_exception(reason)
        if not over.done():
            over.set_result(reason)
        if not closed.done():
            closed.set_result(reason)

    connection = AsyncioConnection(
        parameters,
        on_open_callback=lambda c: opened.set_result(c),
        on_open_error_callback=lose,
        on_close_callback=lose,
        custom_ioloop=loop,
    )
    await opened

    async def ask(call, *args, **kwargs):
        done = loop.create_future()
        call(*args, **kwargs, callback=lambda frame: done.done() or done.set_result(frame))
        await asyncio.wait({done, over}, return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            raise over.result()

    try:
        got = loop.create_future()
        connection.channel(on_open_callback=got.set_result)
        channel = await got
        channel.add_on_close_callback(lambda c, reason: over.done() or over.set_result(reason))
        channel.add_on_cancel_callback(lambda _: over.done() or over.set_result(RuntimeError("deleted")))
        dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue + ".dead"}
        await ask(channel.queue_declare, queue + ".dead", durable=True)
        await ask(channel.queue_declare, queue, durable=True, arguments=dead)
        await ask(channel.basic_qos, prefetch_count=prefetch_count)
        channel.basic_consume(queue, lambda _c, method, _p, body: inbox.put_nowait((method, body)))
        handled = 0
        while handled < max_events:
            getter = asyncio.ensure_future(inbox.get())
            await asyncio.wait({getter, over}, return_when=asyncio.FIRST_COMPLETED)
            if over.done():
                getter.cancel()
                raise over.result()
            method, body = getter.result()
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
    finally:
        if connection.is_open:
            connection.close()
        reason = await closed
    if not isinstance(reason, pika.exceptions.ConnectionClosedByClient):
        raise reason  # before the last acknowledgement arrived
    return handled
