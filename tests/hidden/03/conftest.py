"""What the tests of exercise 03 share: a channel of Redis, a queue of RabbitMQ, and their consumers."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pika
import pytest

from grader.services.rabbitmq import RabbitMQService
from grader.services.redis import RedisService
from grader.suite import (
    HANDLE,
    READY,
    Consumer,
    Failed,
    Handle,
    Kept,
    Method,
    New,
    Process,
    Raised,
    Ready,
    Returned,
    Run,
    Step,
)
from grader.suite.steps import in_words

# Seconds until a broker must show what was done; only a wrong submission waits so long.
PATIENCE = 5.0

# Complete messages that are not JSON objects.
JUNK = (
    *(b"{broken", b"42", b'["a", "list"]', b'"text"', b"null", b"true", b"{} {}", b""),
    b'{"pickup_zone": "\xe9t\xe9"}',  # Latin-1
)


@pytest.fixture
def new_name() -> Callable[[], str]:
    """`new_name()`: a channel's or queue's name that nothing else uses.

    Not from the run's seed, which all submissions share: on the user's own broker they would meet.
    """
    return lambda: f"trips-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def junk(rng: random.Random) -> list[bytes]:
    """Bad messages of every kind, in random order."""
    return rng.sample(JUNK, len(JUNK))


def message(item: dict[str, Any] | bytes) -> bytes:
    """An event as a message; bytes as they are."""
    return item if isinstance(item, bytes) else json.dumps(item).encode()


@pytest.fixture
def in_short() -> Callable[[list[bytes], list[Any]], str]:
    """How many messages there are, and the first that is not what it should be."""

    def describe(bodies: list[bytes], wanted: list[Any]) -> str:
        for number, (body, value) in enumerate(zip(bodies, wanted, strict=False), 1):
            if parsed(body) != value:
                return f"{len(bodies)}, and number {number} is {body!r:.60}..."
        return str(len(bodies))

    return describe


def is_another_checks(step: Step) -> bool:
    """Whether it is ready(), or handle() of what is no event.

    Those have checks of their own: a mistake there should not cost the points of all others.
    """
    return isinstance(step, Ready) or (
        isinstance(step, Handle) and not isinstance(step.event, dict)
    )


class Tracked:
    """A run of a consumer, with what it should handle; for both halves."""

    def __init__(self, run: Run, everything: list[Any]) -> None:
        self.run = run
        self.everything = everything

    def numbers(self, events: list[Any]) -> str:
        """Events by their place in what was published, for a sentence."""
        places = [
            str(self.everything.index(e) + 1) if e in self.everything else "unknown" for e in events
        ]
        return ", ".join(places) or "none"

    def step(self) -> Step:
        """The next step that matters."""
        while is_another_checks(step := self.run.next()):
            self.run.go_on()
        return step

    def moves(self, seconds: float) -> Step | None:
        """The step that matters within that time; None: it waits."""
        deadline = time.monotonic() + seconds
        while not self.run.waiting(max(0.0, deadline - time.monotonic())):
            step = self.run.next()
            if not is_another_checks(step):
                return step
            self.run.go_on()
        return None

    def event(self) -> Any:
        """The event of the next step, which must be a handle(event)."""
        step = self.step()
        if isinstance(step, Handle):
            return step.event
        raise self.run.otherwise("handle the next event", in_words(step, "it"))

    def said(self, step: Step) -> str:
        """What it did, for the end of a sentence."""
        return in_words(step, "it")

    def expect(self, event: Any, when: str) -> None:
        """The next step handles `event`; it stands in handle() afterwards."""
        self.run.process.consumer.given(when)
        seen = self.event()
        assert seen == event, (
            f"{when}: expected event {self.numbers([event])} next, got {self.numbers([seen])}"
        )

    def take(self, events: list[Any], when: str) -> None:
        """The next steps handle `events`, and succeed."""
        for event in events:
            self.expect(event, when)
            self.run.handled()

    def finish(self, when: str) -> list[Any]:
        """Say yes to every step until it returns; the events handled."""
        self.run.process.consumer.given(when)
        events = []
        while isinstance(step := self.step(), Handle):
            events.append(step.event)
            self.run.handled()
        if isinstance(step, Raised):
            raise self.run.otherwise("return", in_words(step, "it"))
        assert isinstance(step, Returned)
        self.run.value = step.value
        return events


# Redis -------------------------------------------------------------------------------


class Channel:
    """A channel, and the suite's trusted client for it."""

    def __init__(self, service: RedisService, consumer: Consumer, name: str) -> None:
        self.service = service
        self.name = name
        self._consumer = consumer

    def process(self, **options: Any) -> Process:
        """A process of the student's that keeps a Redis client, as `client`.

        The caller's client lives on after a call. One that ends with the call would close the
        connections that the student left open.
        """
        process = self._consumer.process()
        where = {"host": self.service.host, "port": self.service.port}
        process.keep("client", New("redis.Redis", **where, **options))
        return process

    def start(
        self,
        everything: list[Any],
        *,
        max_events: int,
        process: Process | None = None,
        ready: bool = True,
        **options: Any,
    ) -> Tracked:
        """Begin a redis_consumer, with a `ready` or without; `options` are its client's."""
        run = (process or self.process(**options)).start(
            "redis_pubsub.redis_consumer",
            Kept("client"),
            self.name,
            HANDLE,
            max_events=max_events,
            **({"ready": READY} if ready else {}),
        )
        return Tracked(run, everything)

    def publish_events(self, events: list[Any], process: Process | None = None) -> Run:
        """Begin the student's publish_events."""
        return (process or self.process()).start(
            "redis_pubsub.publish_events", Kept("client"), self.name, events
        )

    def subscribe(self, everything: list[Any], **kwargs: Any) -> Tracked:
        """Begin a redis_consumer and wait until the server counts its subscription.

        It does not insist on ready(): whoever forgets that loses the points of one check.
        """
        before = self.service.subscribers(self.name)
        tracked = self.start(everything, **kwargs)
        self.wait_subscribed(tracked, before + 1, is_another_checks)
        return tracked

    def wait_subscribed(self, tracked: Tracked, count: int, fits: Callable[[Step], bool]) -> None:
        """Wait until there are so many subscribers, and let each step go on that `fits`."""
        deadline = time.monotonic() + self._consumer.seconds
        while time.monotonic() < deadline:
            while not tracked.run.waiting(0.003):
                step = tracked.run.next()
                if not fits(step):
                    raise Failed(
                        f"nothing was published yet, but {in_words(step, repr(tracked.run))}"
                    )
                tracked.run.go_on()
            if self.service.subscribers(self.name) >= count:
                return
        raise Failed(
            f"{tracked.run} did not subscribe to the channel within {self._consumer.seconds} s"
        )

    def publish(self, *items: dict[str, Any] | bytes) -> int:
        """Publish events, or bytes as they are; how many subscribers got the last one."""
        count = 0
        self._consumer.log.add("suite", f"publishes {len(items)} to the channel")
        for item in items:
            count = int(self.service.client.publish(self.name, message(item)))
        return count


class Listener:
    """A trusted subscriber."""

    def __init__(self, channel: Channel) -> None:
        self._pubsub = channel.service.connect().pubsub()
        self._pubsub.subscribe(channel.name)
        self._pubsub.get_message(timeout=PATIENCE)
        self.received: list[bytes] = []

    def receive(self, count: int) -> None:
        """Wait until it has received so many messages in all."""
        while len(self.received) < count and (got := self._pubsub.get_message(timeout=PATIENCE)):
            if got["type"] == "message":
                self.received.append(got["data"])

    def leave(self) -> None:
        """Unsubscribe; what was published before is received, nothing after."""
        if self._pubsub.subscribed:
            self._pubsub.unsubscribe()
            while (got := self._pubsub.get_message(timeout=PATIENCE)) and got["type"] == "message":
                self.received.append(got["data"])
            self._pubsub.close()

    def events(self) -> list[Any]:
        """What was received, parsed where it is JSON."""
        return [parsed(data) for data in self.received]


def parsed(data: bytes) -> Any:
    """The JSON in `data`, or `data`."""
    try:
        return json.loads(data)
    except ValueError:
        return data


@pytest.fixture
def listen(channel: Channel) -> Callable[[], Listener]:
    """`listen()`: one more trusted subscriber of the channel."""
    return lambda: Listener(channel)


@pytest.fixture
def new_channel(
    consumer: Consumer, service: Any, new_name: Callable[[], str]
) -> Callable[[], Channel]:
    """`new_channel()`: one more channel that nobody subscribes to yet."""
    return lambda: Channel(service("redis"), consumer, new_name())


@pytest.fixture
def channel(new_channel: Callable[[], Channel]) -> Channel:
    """The channel of this test."""
    return new_channel()


# RabbitMQ ----------------------------------------------------------------------------


class Queues:
    """The suite's trusted view of the broker, and the student's functions for it."""

    def __init__(
        self, service: RabbitMQService, consumer: Consumer, new_name: Callable[[], str]
    ) -> None:
        self.service = service
        self._consumer = consumer
        self._new_name = new_name
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

    def in_channel(self, process: Process, function: str, *args: Any) -> Run:
        """Call a function of the student's with a new channel of the kept connection."""
        return process.start(f"rabbitmq.{function}", Method(Kept("connection"), "channel"), *args)

    def declare(self, count: int = 1) -> list[str]:
        """Names of queues that the student's declare_queue made, in a process of its own."""
        process = self.process()
        names = [self._new_name() for _ in range(count)]
        for name in names:
            self.in_channel(process, "declare_queue", name).returned()
        process.kill()
        self.service.wait_closed(self._consumer.seconds)
        return names

    def start(
        self,
        name: str,
        everything: list[Any],
        *,
        max_events: int,
        **kwargs: Any,
    ) -> Tracked:
        """Begin a rabbitmq_consumer."""
        run = self._consumer.start(
            "rabbitmq.rabbitmq_consumer",
            self.parameters,
            name,
            HANDLE,
            max_events=max_events,
            **kwargs,
        )
        return Tracked(run, everything)

    def put(self, name: str, *items: dict[str, Any] | bytes) -> None:
        """Publish events, or bytes as they are; the broker has them when this returns."""
        properties = pika.BasicProperties(delivery_mode=2)
        self._consumer.log.add("suite", f"puts {len(items)} messages into {name!r}")
        channel = self._connection.channel()
        channel.confirm_delivery()
        for item in items:
            self._publish(channel, name, message(item), properties)
        channel.close()

    def _publish(self, channel: Any, name: str, *what: Any) -> None:
        """Until the broker takes it: a quorum queue that is being declared refuses for a moment."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                channel.basic_publish("", name, *what, mandatory=True)
            except pika.exceptions.NackError:
                if time.monotonic() > deadline:
                    raise
                self._connection.process_data_events(0.003)
            else:
                return

    def ready(self, name: str) -> int:
        """How many messages lie ready in the queue; -1 when there is no such queue."""
        try:
            return int(self.channel.queue_declare(name, passive=True).method.message_count)
        except pika.exceptions.ChannelClosedByBroker:
            self.channel = self._connection.channel()
            return -1

    def refusal(self, name: str, **kwargs: Any) -> str:
        """Why the broker refuses to declare the queue like that; empty when it does not."""
        try:
            self.channel.queue_declare(name, **kwargs)
        except pika.exceptions.ChannelClosedByBroker as error:
            self.channel = self._connection.channel()
            return str(error.reply_text)
        return ""

    def wait_ready(self, name: str, least: int, seconds: float = PATIENCE) -> int:
        """Wait until that many messages lie ready, or more; how many there are then.

        The end of a connection gives back what it held a moment later.
        """
        deadline = time.monotonic() + seconds
        while (count := self.ready(name)) < least and time.monotonic() < deadline:
            self._connection.process_data_events(0.003)
        return count

    def take(self, name: str) -> list[tuple[Any, bytes]]:
        """Everything that lies ready, as properties and body, out of the queue."""
        taken = []
        while (got := self.channel.basic_get(name, auto_ack=True))[0] is not None:
            taken.append((got[1], got[2]))
        return taken

    def events(self, name: str) -> list[Any]:
        """The events that lie ready, out of the queue; bytes where it is no JSON."""
        return [parsed(body) for _, body in self.take(name)]


@pytest.fixture
def queues(consumer: Consumer, service: Any, new_name: Callable[[], str]) -> Iterator[Queues]:
    """The broker."""
    made = Queues(service("rabbitmq"), consumer, new_name)
    yield made
    made.close()
