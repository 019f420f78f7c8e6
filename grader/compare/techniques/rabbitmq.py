"""RabbitMQ, with a queue that it keeps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from grader.compare.place import Place
from grader.compare.processes.counts import Count
from grader.compare.techniques.technique import Call, Handle, Opinions, Ready, Technique

if TYPE_CHECKING:
    from event_sinks.base import Sink


class RabbitMQ(Technique):
    """The second half of exercise 03."""

    id: ClassVar[str] = "rabbitmq"
    title: ClassVar[str] = "RabbitMQ"
    exercise: ClassVar[str] = "03"
    file: ClassVar[str] = "rabbitmq.py"
    function: ClassVar[str] = "rabbitmq_consumer"
    service: ClassVar[str | None] = "rabbitmq"
    keeps: ClassVar[bool] = True
    burst: ClassVar[int] = 3_000
    machines: ClassVar[str] = "the broker"
    run: ClassVar[str] = "broker"
    opinions: ClassVar[Opinions] = Opinions(
        latency="low",
        keeps="yes",
        reliability="acknowledgements",
        consumers="built in: they share",
    )

    @staticmethod
    def bare(
        parameters: Any, queue: str, handle: Handle, *, max_events: int, prefetch_count: int = 10
    ) -> None:
        """Loop over `channel.consume`, and acknowledge each message."""
        import pika  # noqa: PLC0415 - the one client that this needs

        channel = pika.BlockingConnection(parameters).channel()
        channel.basic_qos(prefetch_count=prefetch_count)
        for number, (delivery, _, body) in enumerate(channel.consume(queue), start=1):
            handle(json.loads(body))
            channel.basic_ack(delivery.delivery_tag)
            if number == max_events:
                channel.connection.close()
                return

    def bind(self, function: Callable[..., object], place: Place, requests: Count) -> Call:  # noqa: ARG002 - by its sockets
        """Pass the connection's parameters."""
        import pika  # noqa: PLC0415 - each technique needs one client

        parameters = pika.URLParameters(place.url)

        def call(handle: Handle, ready: Ready, most: int) -> None:
            ready()
            function(parameters, place.name, handle, max_events=most)

        return call

    def warm_up(self) -> None:
        """Import the client."""
        import pika  # noqa: F401, PLC0415 - each technique needs one client

    def sink(self, place: Place) -> Sink:
        """Publish to the queue, confirmed."""
        from event_sinks.rabbitmq_sink import (  # noqa: PLC0415 - importable in a producer alone
            RabbitMQSink,
        )

        return RabbitMQSink(place.url, place.name)

    def make(self, place: Place) -> None:
        """Declare the queue and the one for dead letters."""
        dead = f"{place.name}.dead"
        with _channel(place) as channel:
            channel.queue_declare(dead, durable=True)
            # As exercise 03's declare_queue, which would be refused other arguments.
            arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
            channel.queue_declare(place.name, durable=True, arguments=arguments)

    def remove(self, place: Place) -> None:
        """Delete both."""
        with _channel(place) as channel:
            channel.queue_delete(place.name)
            channel.queue_delete(f"{place.name}.dead")

    def fill(self, place: Place, bodies: list[bytes]) -> Iterator[None]:
        """Publish without confirms, then look until all have arrived."""
        import pika  # noqa: PLC0415 - not before it is needed

        properties = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
        with _channel(place) as channel:
            for body in bodies:
                channel.basic_publish("", place.name, body, properties)
        while True:
            with _channel(place) as channel:
                declared = channel.queue_declare(place.name, passive=True)
            if declared.method.message_count == len(bodies):
                return
            yield


@contextmanager
def _channel(place: Place) -> Iterator[Any]:
    import pika  # noqa: PLC0415 - not before it is needed

    parameters = pika.URLParameters(place.url)
    parameters.connection_attempts, parameters.retry_delay = 3, 0.5  # a busy one resets some
    with pika.BlockingConnection(parameters) as connection:
        yield connection.channel()
