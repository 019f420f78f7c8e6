"""RabbitMQ's queues as the suite of exercise 03 sees them, and the student's functions for them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import cycle
from typing import Any

import pika
from broker_runs import Tracked
from broker_words import PATIENCE

from grader.services.rabbitmq.service import RabbitMQService
from grader.suite import (
    HANDLE,
    Consumer,
    Failed,
    Kept,
    Method,
    New,
    Process,
    Run,
    content,
    leave_to,
)
from grader.suite.steps import in_words

_GONE = "there is no queue of that name"
_NOT_FOUND = 404
MOST_ARGUMENTS = 12
ARGUMENT = re.compile(
    r"inequivalent arg '(x-[^']+)' .* but current is "
    r"(?:(?:the value )?'([^']*)'(?: of type '(\w+)')?|none)$"
)
"""What the broker says of an argument of a queue. Source: assert_args_equivalence in rabbit_misc.erl."""


class Queues:
    """The suite's trusted view of the broker, and the student's functions for it."""

    def __init__(
        self, service: RabbitMQService, consumer: Consumer, new_name: Callable[[], str]
    ) -> None:
        self.service = service
        self._consumer = consumer
        self._new_name = new_name
        self._spare: Process | None = None
        self._connection = service.connect()
        self.channel = self._connection.channel()

    def close(self) -> None:
        """Close the trusted connection."""
        if self._connection.is_open:
            self._connection.close()

    @property
    def parameters(self) -> New:
        """What the student's process connects with."""
        service = self.service
        login = New("pika.PlainCredentials", service.username, service.password)
        return New(
            "pika.ConnectionParameters",
            host=service.host,
            port=service.port,
            virtual_host=service.virtual_host,
            credentials=login,
        )

    def process(self) -> Process:
        """A process of the student's that keeps a connection, as `connection`."""
        process = self._consumer.process()
        process.keep("connection", New("pika.BlockingConnection", self.parameters))
        return process

    def still(self, name: str) -> str:
        """The queue; where it went with its last consumer, which is 03.rabbit-durable's, a new one.

        The end of a connection ends its consumer a moment later.
        """
        deadline = time.monotonic() + PATIENCE
        while (found := self._looked_up(name)) is not None and time.monotonic() < deadline:
            if not found.consumer_count:
                return name
            self._connection.process_data_events(0.003)
        if found is not None:
            return name
        leave_to(
            "03.rabbit-durable",
            f"the queue {name!r} should stay when its last consumer has left; there is none any more",
        )
        return self.declare()[0]

    def in_channel(self, process: Process, function: str, *args: Any) -> Run:
        """Call a function of the student's with a new channel of the kept connection."""
        return process.start(f"rabbitmq.{function}", Method(Kept("connection"), "channel"), *args)

    def declare(self, count: int = 1, spelled: Callable[[str], str] = str) -> list[str]:
        """Names of queues that the student's declare_queue made, one after the other.

        The process lives on without its connection; the next `start` makes its call in it.
        """
        process = self.process()
        names = [spelled(self._new_name()) for _ in range(count)]
        for name in names:
            self.in_channel(process, "declare_queue", name).returned()
        # What comes of it when the student's function has closed it is no matter.
        process.start("worker.calls.keep", Method(Kept("connection"), "close")).next()
        self.service.wait_closed(self._consumer.seconds)
        self._spare = process
        return names

    def start(
        self,
        name: str,
        everything: list[Any],
        *,
        max_events: int,
        process: Process | None = None,
        **kwargs: Any,
    ) -> Tracked:
        """Begin a rabbitmq_consumer: in that process, in the one that declared, or in a new one."""
        process, self._spare = process or self._spare or self._consumer.process(), None
        run = process.start(
            "rabbitmq.rabbitmq_consumer",
            self.parameters,
            name,
            HANDLE,
            max_events=max_events,
            **kwargs,
        )
        return Tracked(run, everything)

    def put(
        self, name: str, *items: dict[str, Any] | bytes, labels: Sequence[dict[str, Any]] = ({},)
    ) -> None:
        """Publish events, or bytes as they are; the broker has them when this returns.

        `labels` are properties that messages have besides, in turn.
        """
        self._consumer.log.add("suite", f"puts {len(items)} messages into {name!r}")
        channel = self._connection.channel()
        channel.confirm_delivery()
        for item, label in zip(items, cycle(labels), strict=False):
            properties = pika.BasicProperties(delivery_mode=2, **label)
            self._publish(channel, name, content.to_message(item), properties)
        channel.close()

    def _publish(self, channel: Any, name: str, *what: Any) -> None:
        """Until the broker takes it: a quorum queue that is being declared refuses for a moment."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                channel.basic_publish("", name, *what, mandatory=True)
            except pika.exceptions.UnroutableError:
                raise Failed(f"events should be put into the queue {name!r}: {_GONE}") from None
            except pika.exceptions.NackError:
                if time.monotonic() > deadline:
                    raise Failed(
                        f"events should be put into the queue {name!r}, which refuses them"
                    ) from None
                self._connection.process_data_events(0.003)
            else:
                return

    def _looked_up(self, name: str) -> Any:
        """What the broker says of the queue: message_count, consumer_count; None without one."""
        try:
            return self.channel.queue_declare(name, passive=True).method
        except pika.exceptions.ChannelClosedByBroker:
            self.channel = self._connection.channel()
            return None

    def ready(self, name: str) -> int:
        """How many messages lie ready in the queue; -1 when there is no such queue."""
        found = self._looked_up(name)
        return int(found.message_count) if found is not None else -1

    def refusal(self, name: str, **kwargs: Any) -> str:
        """Why the broker refuses to declare the queue like that; empty when it does not."""
        try:
            self.channel.queue_declare(name, **kwargs)
        except pika.exceptions.ChannelClosedByBroker as error:
            self.channel = self._connection.channel()
            return str(error.reply_text)
        return ""

    def declared(self, name: str, guess: dict[str, str]) -> dict[str, Any]:
        """The arguments of a durable queue: of those that differ the broker names the first."""
        found: dict[str, Any] = dict(guess)
        for _ in range(MOST_ARGUMENTS):
            refusal = self.refusal(name, durable=True, arguments=found)
            if (differs := ARGUMENT.search(refusal)) is None:
                break
            key, value, kind = differs.groups()
            if value is None:
                del found[key]
            elif kind == "bool":
                found[key] = value == "true"
            elif kind in (None, "longstr") or not value.lstrip("-").isdecimal():
                found[key] = value
            else:
                found[key] = int(value)
        return found

    def loses_its_exchange(self, exchange: str) -> bool:
        """Tell whether a restart of the broker ends the exchange of that name."""
        for kind in ("direct", "fanout", "topic", "headers"):
            try:
                self.channel.exchange_declare(exchange, passive=True)
                self.channel.exchange_declare(exchange, exchange_type=kind, durable=True)
            except pika.exceptions.ChannelClosedByBroker as error:
                self.channel = self._connection.channel()
                if "'type'" not in error.reply_text:
                    return "'durable'" in error.reply_text
            else:
                return False
        return False

    def holds(self, name: str) -> str:
        """How many messages lie ready, for a sentence."""
        return "no longer exists" if (count := self.ready(name)) < 0 else f"holds {count}"

    def wait_ready(self, name: str, least: int, seconds: float = PATIENCE) -> int:
        """Wait until that many messages lie ready, or more; how many there are then.

        The end of a connection gives back what it held a moment later.
        """
        deadline = time.monotonic() + seconds
        while (count := self.ready(name)) < least and time.monotonic() < deadline:
            self._connection.process_data_events(0.003)
        return count

    def released(self, name: str, count: int) -> bool:
        """Wait until that many messages lie ready and nobody is subscribed; whether it is so.

        A subscription that stays gets another message as soon as an acknowledgement arrives.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = self._looked_up(name)
            if found is None or (found.message_count, found.consumer_count) == (count, 0):
                return found is not None
            self._connection.process_data_events(0.003)
        return False

    def settled(self, name: str, least: int, run: Run) -> int:
        """Wait until that many messages lie ready or the run does something; how many there are."""
        deadline = time.monotonic() + PATIENCE
        while (count := self.ready(name)) < least and time.monotonic() < deadline:
            if not run.waiting(0.003):
                break
        return count

    def take(self, name: str) -> list[tuple[Any, bytes]]:
        """Everything that lies ready, as properties and body, out of the queue."""
        taken = []
        try:
            while (got := self.channel.basic_get(name, auto_ack=True))[0] is not None:
                taken.append((got[1], got[2]))
        except pika.exceptions.ChannelClosedByBroker as error:
            self.channel = self._connection.channel()
            why = _GONE if error.reply_code == _NOT_FOUND else error.reply_text
            raise Failed(f"the queue {name!r} should hold what was not handled: {why}") from None
        return taken

    def wait_declared(self, run: Tracked, name: str) -> None:
        """Wait until the consumer has declared the queue."""
        # Each look at a queue that is not there costs the broker a channel.
        seconds = 3 * self._consumer.seconds
        deadline = time.monotonic() + seconds
        while self.ready(name) < 0:
            if not run.run.waiting(0.02):
                step = run.run.next()
                raise Failed(f"it should declare the queue and wait; {in_words(step, 'it')}")
            if time.monotonic() > deadline:
                raise Failed(f"it should declare the queue; there was none after {seconds} s")

    def parse(self, bodies: list[bytes]) -> list[Any]:
        """The events; bytes where it is no JSON."""
        return [content.value_of(body) for body in bodies]

    def events(self, name: str) -> list[Any]:
        """The events that lie ready, out of the queue; bytes where it is no JSON."""
        return self.parse([body for _, body in self.take(name)])


class QuietQueue:
    """A rabbitmq_consumer whose queue stays empty after an event, begun beside the tests."""

    def __init__(self, queues: Queues, at_end: ExitStack, events: list[Any], name: str) -> None:
        at_end.callback(queues.close)
        self.queues = queues
        self.name = name
        self.everything = events
        self.run = queues.start(name, self.everything, max_events=2)
        queues.wait_declared(self.run, name)
        queues.put(name, self.everything[0])
        self.run.expect(self.everything[0], "an event was in the queue")
        self.run.run.handled()
