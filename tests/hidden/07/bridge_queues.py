"""The two queues of a bridge as the suite of exercise 07 sees them: RabbitMQ's and SQS's.

What the student's code did to them is a failure, not an error.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import pika

from grader.services.rabbitmq.service import RabbitMQService
from grader.services.sqs.service import RefusedError, SqsService
from grader.suite import Consumer, Failed, Run, Stop
from grader.suite.content import to_message

# Seconds until a broker must show what was done; only a wrong submission waits so long.
PATIENCE = 5.0
TEN = 10
"""Messages of a request to SQS at most."""
_NOT_FOUND = 404
_MOST_ARGUMENTS = 12
_ARGUMENT = re.compile(
    r"inequivalent arg '(x-[^']+)' .* but current is "
    r"(?:(?:the value )?'([^']*)'(?: of type '(\w+)')?|none)$"
)
"""The broker's words about an argument of a queue. Source: assert_args_equivalence in rabbit_misc.erl."""


class RabbitQueue:
    """A RabbitMQ queue with its dead-letter queue, neither of them declared yet."""

    def __init__(
        self, rabbitmq: RabbitMQService, connection: pika.BlockingConnection, consumer: Consumer
    ) -> None:
        self.rabbitmq = rabbitmq
        # Not from the run's seed, which all submissions share: on the user's own broker they would meet.
        self.queue = f"trips-{uuid.uuid4().hex[:12]}"
        self.dead = f"{self.queue}.dead"
        self._usual: dict[str, Any] = {
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": self.dead,
        }
        self._consumer = consumer
        self._connection = connection
        self._channel = connection.channel()

    def declare_as_usual(self) -> None:
        """Declare the queue and its dead-letter queue, as exercise 03 does."""
        self._channel.queue_declare(self.dead, durable=True)
        self._channel.queue_declare(self.queue, durable=True, arguments=self._usual)

    def fits(self) -> bool:
        """Tell whether the queues are as the suite declares them; a missing one is declared."""
        try:
            self.declare_as_usual()
        except pika.exceptions.ChannelClosedByBroker:
            self._channel = self._connection.channel()
            return False
        return True

    def delete_queue(self) -> None:
        """Delete the queue, with what is in it."""
        self._consumer.log.add("suite", f"deletes the queue {self.queue!r}")
        self._or_failed("be deleted", lambda: self._channel.queue_delete(self.queue))

    def declare_full(self) -> None:
        """Declare the queue as one that has room for no message, and refuses each."""
        self._consumer.log.add("suite", f"declares the queue {self.queue!r} without any room")
        arguments = {"x-max-length": 0, "x-overflow": "reject-publish"}
        self._or_failed(
            "be declared again, without any room, when it has been deleted",
            lambda: self._channel.queue_declare(self.queue, durable=True, arguments=arguments),
        )

    def _or_failed(self, what: str, ask: Callable[[], Any]) -> None:
        """Ask the broker for something that it refuses only for what the student's code did."""
        try:
            ask()
        except pika.exceptions.ChannelClosedByBroker as error:
            self._channel = self._connection.channel()
            raise Failed(f"the queue {self.queue!r} should {what}: {error.reply_text}") from None

    def put(self, *items: Any) -> None:
        """Put events, or bytes as they are, into the queue, which is there."""
        self._consumer.log.add("suite", f"puts {len(items)} messages into {self.queue!r}")
        channel = self._connection.channel()
        channel.confirm_delivery()
        properties = pika.BasicProperties(delivery_mode=2)
        try:
            for item in items:
                channel.basic_publish("", self.queue, to_message(item), properties, mandatory=True)
        except (pika.exceptions.UnroutableError, pika.exceptions.NackError):
            raise Failed(
                f"messages should be put into the queue {self.queue!r}; it takes none"
            ) from None
        channel.close()

    def rejected_arrives(self) -> bool:
        """Tell whether a message that is rejected is in the dead-letter queue; the queue is empty."""
        self.put({})
        try:
            found = self._channel.basic_get(self.queue)[0]
        except pika.exceptions.ConnectionClosedByBroker as error:
            raise Failed(
                f"the queue {self.queue!r} should give out its messages: {error.reply_text}"
            ) from None
        if found is not None:
            self._channel.basic_reject(found.delivery_tag, requeue=False)
        return self.wait_ready(1, self.dead) > 0 and bool(self.bodies(self.dead))

    def declared(self, name: str) -> tuple[dict[str, Any], str]:
        """The arguments of a queue, and why the broker refuses it as a durable one with them; "" if not.

        Of the arguments that differ the broker names the first alone, so it is asked again with that one.
        """
        found = {} if name == self.dead else dict(self._usual)
        for _ in range(_MOST_ARGUMENTS):
            refusal = self._refusal(name, found)
            if (differs := _ARGUMENT.search(refusal)) is None:
                break
            key, value, kind = differs.groups()
            if value is None:
                found.pop(key, None)
            elif kind == "bool":
                found[key] = value == "true"
            else:
                found[key] = int(value) if kind not in (None, "longstr") else value
        return found, refusal

    def _refusal(self, name: str, arguments: dict[str, Any]) -> str:
        """Why the broker refuses a durable queue of that name with these arguments; "" if not."""
        try:
            self._channel.queue_declare(name, durable=True, arguments=arguments)
        except pika.exceptions.ChannelClosedByBroker as error:
            self._channel = self._connection.channel()
            return str(error.reply_text)
        return ""

    def _look(self, name: str) -> tuple[int, int]:
        """How many messages lie ready in a queue, and how many consumers it has; -1 without a queue."""
        try:
            found = self._channel.queue_declare(name, passive=True).method
        except pika.exceptions.ChannelClosedByBroker:
            self._channel = self._connection.channel()
            return -1, 0
        return int(found.message_count), int(found.consumer_count)

    def exists(self, name: str) -> bool:
        """Tell whether there is a queue of that name."""
        return self._look(name)[0] >= 0

    @property
    def ready(self) -> int:
        """How many messages lie ready in the queue; -1 when there is no such queue."""
        return self._look(self.queue)[0]

    def wait_ready(self, least: int, name: str = "", seconds: float = PATIENCE) -> int:
        """Wait until that many messages lie ready, or more; how many there are then."""
        deadline = time.monotonic() + seconds
        while (count := self._look(name or self.queue)[0]) < least and time.monotonic() < deadline:
            self._connection.process_data_events(0.003)
        return count

    def look_again(self) -> None:
        """Give the broker a moment."""
        self._connection.process_data_events(0.003)

    def wait_given_back(self) -> int:
        """Wait until the queue has back what the connections that have ended held; how many lie there."""
        self.rabbitmq.wait_closed(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while self._look(self.queue)[1] > 0 and time.monotonic() < deadline:
            self.look_again()
        return self.ready

    def wait_consumes(self, run: Run) -> None:
        """Wait until forward has got a message, which is put into the queue for that."""
        self.put({"event_id": 1, "pickup_zone": "Queens"})
        deadline = time.monotonic() + 2 * PATIENCE
        while self.ready > 0 and time.monotonic() < deadline:
            if not run.waiting(0.003):
                if not isinstance(run.next(), Stop):
                    return
                run.go_on()

    def take(self, name: str = "") -> list[tuple[Any, bytes]]:
        """Everything that lies ready in a queue, as properties and body, out of it."""
        taken = []
        try:
            while (got := self._channel.basic_get(name or self.queue, auto_ack=True))[
                0
            ] is not None:
                taken.append((got[1], got[2]))
        except (
            pika.exceptions.ChannelClosedByBroker,
            pika.exceptions.ConnectionClosedByBroker,
        ) as error:
            # RabbitMQ ends the whole connection that takes a message out of a stream.
            if self._connection.is_open:
                self._channel = self._connection.channel()
            gone = error.reply_code == _NOT_FOUND
            why = "there is no queue of that name" if gone else error.reply_text
            raise Failed(
                f"one message after the other should come out of the queue {name or self.queue!r}: {why}"
            ) from None
        return taken

    def bodies(self, name: str = "") -> list[bytes]:
        """The bodies of everything that lies ready in a queue, out of it."""
        return [body for _, body in self.take(name)]


class SqsQueue:
    """An SQS queue, created here, and the requests that came to it."""

    def __init__(self, sqs: SqsService, name: str) -> None:
        self.sqs = sqs
        self.sqs_name = name
        self.url = sqs.queue_url(name)
        kind = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        sqs.ask("CreateQueue", QueueName=name, Attributes=kind)

    def ask(self, action: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a request of the suite's own, on this queue."""
        try:
            return self.sqs.ask(action, QueueUrl=self.url, **parameters)
        except RefusedError as error:
            raise Failed(f"the SQS queue should be there; it refuses {action}: {error}") from None

    def take_sqs(self) -> list[dict[str, Any]]:
        """Take all messages out of the SQS queue, with their attributes."""
        found: list[dict[str, Any]] = []
        while messages := self.ask(
            "ReceiveMessage",
            MaxNumberOfMessages=TEN,
            VisibilityTimeout=3600,
            MessageSystemAttributeNames=["All"],
        ).get("Messages"):
            found += messages
            handles = [
                {"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)
            ]
            self.ask("DeleteMessageBatch", Entries=handles)
        return found

    def sqs_bodies(self) -> list[str]:
        """The bodies of all messages in the SQS queue, out of it."""
        return [message["Body"] for message in self.take_sqs()]

    @property
    def in_sqs(self) -> int:
        """How many messages lie in the SQS queue."""
        name = "ApproximateNumberOfMessages"
        return int(self.ask("GetQueueAttributes", AttributeNames=[name])["Attributes"][name])

    @property
    def batches(self) -> list[list[dict[str, Any]]]:
        """The entries of each request that sent something, in order."""
        found = []
        for request in self.sqs.requests:
            if request.action == "SendMessage":
                found.append([{"Id": "", **request.parameters}])
            elif request.action == "SendMessageBatch":
                entries = request.parameters.get("Entries")
                listed = entries if isinstance(entries, list) else []
                found.append([each for each in listed if isinstance(each, dict)])
        return found
