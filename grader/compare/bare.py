"""The least that consumes each medium: the client library in a loop, none of the promises.

Same parameters as the exercises' functions, so that one can stand for the other. What they do not
keep (an offset, a second chance, a reaped child) is the point.
"""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

Handle = Callable[[Any], None]


def polling(
    path: str,
    handle: Handle,
    *,
    poll_interval: float,
    max_polls: int,
    sleep: Callable[[float], None],
    **_: object,
) -> None:
    """Read on where the last poll ended; the offset lives in memory."""
    while not Path(path).exists():
        sleep(poll_interval)
    with Path(path).open("rb") as file:
        for number in range(max_polls):
            if number:
                sleep(poll_interval)
            for line in file:
                handle(json.loads(line))


def tail(path: str, handle: Handle, *, max_events: int) -> None:
    """`tail -F` from the first line on."""
    command = ["tail", "-n", "+1", "-F", "--", path]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        assert child.stdout is not None
        for number, line in enumerate(child.stdout, start=1):
            handle(json.loads(line))
            if number == max_events:
                child.kill()
                return


def tcp_socket(
    handle: Handle,
    *,
    host: str,
    port: int,
    max_events: int,
    ready: Callable[[], None],
    **_: object,
) -> None:
    """One producer, read as a file of lines."""
    with socket.create_server((host, port)) as server:
        ready()
        connection, _address = server.accept()
        with connection, connection.makefile("rb") as lines:
            for number, line in enumerate(lines, start=1):
                handle(json.loads(line))
                if number == max_events:
                    return


def redis(
    client: Any, channel: str, handle: Handle, *, max_events: int, ready: Callable[[], None]
) -> None:
    """`pubsub.listen()`."""
    pubsub = client.pubsub()
    pubsub.subscribe(channel)
    handled = 0
    for message in pubsub.listen():
        if message["type"] == "subscribe":
            ready()
            continue
        handle(json.loads(message["data"]))
        handled += 1
        if handled == max_events:
            return


def rabbitmq(
    parameters: Any, queue: str, handle: Handle, *, max_events: int, prefetch_count: int = 10
) -> None:
    """`channel.consume`, each message acknowledged."""
    import pika  # noqa: PLC0415 - the one client that this needs

    channel = pika.BlockingConnection(parameters).channel()
    channel.basic_qos(prefetch_count=prefetch_count)
    for number, (delivery, _, body) in enumerate(channel.consume(queue), start=1):
        handle(json.loads(body))
        channel.basic_ack(delivery.delivery_tag)
        if number == max_events:
            channel.connection.close()
            return


def sqs(
    client: Any,
    queue_url: str,
    handle: Handle,
    *,
    max_events: int,
    wait_seconds: int,
    batch_size: int = 5,
    **_: object,
) -> None:
    """Receive, handle, delete."""
    handled = 0
    while handled < max_events:
        answer = client.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=batch_size, WaitTimeSeconds=wait_seconds
        )
        for message in answer.get("Messages", []):
            handle(json.loads(message["Body"]))
            client.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            handled += 1


FUNCTIONS: dict[str, Callable[..., object]] = {
    "polling": polling,
    "tail": tail,
    "socket": tcp_socket,
    "redis": redis,
    "rabbitmq": rabbitmq,
    "sqs": sqs,
}
