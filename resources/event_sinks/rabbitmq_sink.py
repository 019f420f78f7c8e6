"""The sink for RabbitMQ."""

from __future__ import annotations

import contextlib
from urllib.parse import urlsplit

from event_sinks.base import Sink, SinkError, host_of, reason, unreachable


class RabbitMQSink(Sink):
    """Publishes to a durable queue: persistent messages, each confirmed by the broker."""

    done = "Published"

    def __init__(self, url: str, queue: str) -> None:
        import pika
        from pika.adapters.utils.connection_workflow import AMQPConnectorException
        from pika.exceptions import AMQPError, ChannelClosedByBroker, ProbableAuthenticationError

        self._server = f"RabbitMQ at {host_of(url, '--url')}"
        self.target = f"queue {queue} of {self._server}"
        self._queue = queue
        # gaierror and the like come through pika as they are.
        self._errors = (AMQPError, OSError)
        self._properties = pika.BasicProperties(
            content_type="application/json", delivery_mode=pika.DeliveryMode.Persistent
        )
        if urlsplit(url).scheme not in ("amqp", "amqps"):
            raise SinkError("--url does not name a RabbitMQ server: it starts with amqp://.")
        try:
            parameters = pika.URLParameters(url)
            # A broker that is short of memory or disk holds publishers up without a word.
            parameters.blocked_connection_timeout = 30
            # What listens there may be another program, which waits for us to speak HTTP.
            parameters.stack_timeout = 5
            self._connection = pika.BlockingConnection(parameters)
        except ValueError as error:
            raise SinkError(f"--url does not name a RabbitMQ server: {reason(error)}.") from error
        except ProbableAuthenticationError as error:
            raise SinkError(f"{self._server} refuses the user or password: check --url.") from error
        except AMQPConnectorException as error:
            silent = TimeoutError("what listens there gave no answer in AMQP")
            raise unreachable(self._server, silent) from error
        except self._errors as error:
            raise unreachable(self._server, error) from error
        try:
            self._channel = self._connection.channel()
            self._declare()
            self._channel.confirm_delivery()
        except ChannelClosedByBroker as error:
            self.close()
            raise SinkError(
                f"The queue {queue} exists with other settings (or is not ours): {reason(error)}. "
                "Choose another --queue, or delete it first: "
                f"rabbitmqctl delete_queue {queue}"
            ) from error
        except self._errors as error:
            self.close()
            raise unreachable(self._server, error) from error

    def _declare(self) -> None:
        # The very settings of exercise 03's declare_queue: the broker refuses to declare a queue
        # twice with different ones, and either side may come first.
        dead = f"{self._queue}.dead"
        self._channel.queue_declare(dead, durable=True)
        self._channel.queue_declare(
            self._queue,
            durable=True,
            arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead},
        )

    def send(self, lines: bytes) -> None:
        from pika.exceptions import NackError, UnroutableError

        try:
            # Without mandatory the broker would drop, and confirm, what no queue takes.
            self._channel.basic_publish(
                "", self._queue, lines.rstrip(b"\n"), self._properties, mandatory=True
            )
        except UnroutableError as error:
            raise SinkError(f"The queue {self._queue} was deleted. Run this again.") from error
        except NackError as error:
            raise SinkError(f"{self._server} refused an event: is the queue full?") from error
        except self._errors as error:
            raise unreachable(self._server, error) from error

    def wait(self, seconds: float) -> None:
        try:
            # Answers heartbeats meanwhile; else the broker hangs up on long intervals.
            self._connection.sleep(seconds)
        except self._errors as error:
            raise unreachable(self._server, error) from error

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._connection.close()
