"""What the tests of exercise 03 share: a channel of Redis, a queue of RabbitMQ, and their consumers."""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pika
import pytest

from grader.services.rabbitmq.service import RabbitMQService
from grader.services.redis.service import RedisService
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
    content,
)
from grader.suite.steps import cut, in_words, shorten

# Seconds until a broker must show what was done; only a wrong submission waits so long.
PATIENCE = 5.0

# Events that a sentence lists by their numbers; of more it says how many.
_MOST = 8

SUBSCRIBES = ("SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE")

# Complete messages that are not JSON objects. A message of a broker may be empty, and is bad then.
JUNK = (*content.BAD, b"", b" \n")


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
    return item if isinstance(item, bytes) else json.dumps(item, ensure_ascii=False).encode()


def these(events: list[Any], everything: list[Any]) -> str:
    """Events by their place in what was published, for a sentence."""
    unknown = sum(event not in everything for event in events)
    if unknown:
        return f"{len(events)} events, of which {unknown} had not been published"
    return content.named(events, everything) if len(events) <= _MOST else f"{len(events)} events"


def how_it_looks(event: Any) -> str:
    """What tells an event of an odd kind; nothing for a trip, which its number tells."""
    usual = isinstance(event, dict) and "fare_estimate" in event
    return "" if usual else f" ({shorten(event, 60)})"


@pytest.fixture
def in_short() -> Callable[[list[bytes], list[Any]], str]:
    """How many messages there are, and the first that is not what it should be."""

    def describe(bodies: list[bytes], wanted: list[Any]) -> str:
        for number, (body, value) in enumerate(zip(bodies, wanted, strict=False), 1):
            if parsed(body) != value:
                return f"{len(bodies)}, and number {number} {difference(body, value)}"
        return str(len(bodies))

    return describe


def difference(body: bytes, event: dict[str, Any]) -> str:
    """Where a message is not the JSON of an event: the first field, or how it begins."""
    got = parsed(body)
    for name, value in event.items() if isinstance(got, dict) else ():
        if name not in got:
            return f"lacks the field {shorten(name)}"
        if got[name] != value:
            return f"has {shorten(name)}: {cut(got[name])} for {cut(value)}"
    return f"is {cut(body, 60)}"


def is_another_checks(step: Step) -> bool:
    """Tell whether it is ready(), or handle() of what is no event.

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
        self.ready = False
        """Whether ready() was called and let go on, while it was waited for the subscription."""

    def these(self, events: list[Any]) -> str:
        """Events by their place in what was published, for a sentence."""
        return these(events, self.everything)

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
        self.run.process.case.given(when)
        seen = self.event()
        assert seen == event, (
            f"{when}: it should handle {self.these([event])}{how_it_looks(event)} next; it handled "
            f"{self.these([seen])}{how_it_looks(seen)}"
        )

    def take(self, events: list[Any], when: str) -> None:
        """The next steps handle `events`, and succeed."""
        for event in events:
            self.expect(event, when)
            self.run.handled()

    def finish(self, when: str, most: int) -> list[Any]:
        """Say yes to every step until it returns, or has handled more than `most`; the events."""
        self.run.process.case.given(when)
        events: list[Any] = []
        while isinstance(step := self.step(), Handle):
            events.append(step.event)
            if len(events) > most:
                return events
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
            # ready() comes with the subscription; who does not call it is looked for less often.
            if not tracked.run.waiting(0.02):
                step = tracked.run.next()
                if not fits(step):
                    raise Failed(
                        "nothing was published since it was called, but "
                        f"{in_words(step, repr(tracked.run))}"
                    )
                tracked.ready |= step == Ready()
                tracked.run.go_on()
            if self.service.subscribers(self.name) >= count:
                return
        raise Failed(
            f"{tracked.run} did not subscribe to the channel {self.name!r} within "
            f"{self._consumer.seconds} s"
        )

    def hold_subscription(self, action: Callable[[], None], number: int = 1) -> Any:
        """Run `action` before that request from now on to subscribe to this channel goes on."""
        return self.service.before(*SUBSCRIBES, action=action, number=number, argument=self.name)

    def these(self, events: list[Any], everything: list[Any]) -> str:
        """Events by their place in what was published, for a sentence."""
        return these(events, everything)

    def publish(self, *items: dict[str, Any] | bytes) -> int:
        """Publish events, or bytes as they are; how many subscribers got the last one."""
        count = 0
        self._consumer.log.add("suite", f"publishes {len(items)} to the channel")
        for item in items:
            count = int(self.service.client.publish(self.name, message(item)))
        return count

    def publish_apart(self, item: dict[str, Any]) -> int:
        """Publish an event from any thread; how many subscribers got it."""
        with self.service.connect() as client:
            return int(client.publish(self.name, message(item)))


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
    except (ValueError, RecursionError):
        return data


@pytest.fixture
def listen(channel: Channel) -> Callable[[], Listener]:
    """`listen()`: one more trusted subscriber of the channel."""
    return lambda: Listener(channel)


@pytest.fixture
def new_channel(
    consumer: Consumer, service: Any, new_name: Callable[[], str]
) -> Callable[..., Channel]:
    """`new_channel()`: one more channel that nobody subscribes to yet; `new_channel(name)`."""
    return lambda name="": Channel(service("redis"), consumer, name or new_name())


@pytest.fixture
def channel(new_channel: Callable[..., Channel]) -> Channel:
    """The channel of this test."""
    return new_channel()


class Quiet:
    """A redis_consumer on a channel where nothing happens, begun beside the tests.

    Should it subscribe again without an event, one is published while that is on its way.
    """

    def __init__(
        self,
        channel: Channel,
        at_end: ExitStack,
        events: list[Any],
        handled: int = 0,
        **options: Any,
    ) -> None:
        *self.everything, meanwhile = events
        self.handled = handled
        """How many events it is given before it gets quiet."""
        self.channel = channel
        self.timeout = float(options.get("socket_timeout", 0))
        self.heard: list[int] = []
        """How many subscribers got the event that was published meanwhile."""
        self.run = channel.subscribe(self.everything, max_events=20, **options)
        # It would stand in ready() else, and not wait. Only a wrong submission does not come there.
        if not self.run.ready and not self.run.run.waiting(PATIENCE):
            step = self.run.run.next()
            if step != Ready():
                raise Failed(f"nothing was published yet, but {in_words(step, repr(self.run.run))}")
            self.run.run.go_on()
        for event in self.everything[:handled]:
            channel.publish(event)
            self.take(event, "an event was published")
        if not handled:  # who subscribes again after each event is told so by 03.redis-delivers
            at_end.enter_context(
                channel.hold_subscription(
                    lambda: self.heard.append(channel.publish_apart(meanwhile))
                )
            )

    def moves(self, seconds: float) -> Step | None:
        """What it does within that time; None: it waits.

        Events that were not published on its channel are the business of 03.redis-delivers.
        """
        deadline = time.monotonic() + seconds
        while isinstance(
            step := self.run.moves(max(0.0, deadline - time.monotonic())), Handle
        ) and (step.event not in self.everything):
            self.run.run.handled()
        return step

    def take(self, event: Any, when: str) -> None:
        """The next event of its channel is that one; it succeeds."""
        self.run.run.process.case.given(when)
        while (seen := self.run.event()) not in self.everything:
            self.run.run.handled()
        assert seen == event, (
            f"{when}: it should handle {self.run.these([event])}; it handled "
            f"{self.run.these([seen])}"
        )
        self.run.run.handled()


class Late:
    """A redis_consumer whose subscription is held up on its way for so many seconds."""

    def __init__(
        self, channel: Channel, at_end: ExitStack, events: list[Any], seconds: float
    ) -> None:
        self.channel = channel
        self.everything = events
        self.early: bool | None = None
        """Whether it had gone on when the subscription was let through; None: it is still held."""
        self._seconds = seconds
        self._begun = threading.Event()
        self._free = threading.Event()
        at_end.callback(self._free.set)
        # The first that anybody asks for, so it is begun before the others; and, while that is
        # held, more of its own.
        self.asked = at_end.enter_context(channel.service.before(*SUBSCRIBES, action=self._hold))
        for number in (1, 2):
            at_end.enter_context(
                channel.hold_subscription(lambda: self._free.wait(60) and None, number)
            )
        self.run = channel.start(events, max_events=20).run
        self._begun.set()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.run.waiting(0):
            if self.asked.wait(0.003):
                break

    def _hold(self) -> None:
        self._begun.wait(60)
        self._free.wait(self._seconds)
        self.early = not self.run.waiting(0)
        self._free.set()

    def wait(self) -> bool:
        """Wait until the subscription was let through; whether the consumer went on before that."""
        if self.asked.is_set():
            self._free.wait(60)
        return self.early is not False and not self.run.waiting(0)


# RabbitMQ ----------------------------------------------------------------------------

_GONE = "there is no queue of that name"
_NOT_FOUND = 404


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
        """The queue; where it went with its last consumer, which is 03.rabbit-durable's, a new one."""
        return name if self.ready(name) >= 0 else self.declare()[0]

    def in_channel(self, process: Process, function: str, *args: Any) -> Run:
        """Call a function of the student's with a new channel of the kept connection."""
        return process.start(f"rabbitmq.{function}", Method(Kept("connection"), "channel"), *args)

    def declare(self, count: int = 1) -> list[str]:
        """Names of queues that the student's declare_queue made, one after the other.

        The process lives on without its connection; the next `start` makes its call in it.
        """
        process = self.process()
        names = [self._new_name() for _ in range(count)]
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
        return [parsed(body) for body in bodies]

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


@pytest.fixture
def queues(consumer: Consumer, service: Any, new_name: Callable[[], str]) -> Iterator[Queues]:
    """The broker."""
    made = Queues(service("rabbitmq"), consumer, new_name)
    yield made
    made.close()


# Beside the tests --------------------------------------------------------------------


class Waits:
    """What waits beside the tests, by name."""

    def __init__(self, beside: Any, starts: dict[str, Callable[..., Any]]) -> None:
        self._beside = beside
        self._starts = starts

    def begin(self) -> None:
        """Begin all of them, the first one first."""
        for name, start in self._starts.items():
            self._beside.begin(name, start)

    def look(self, name: str) -> tuple[Any, float]:
        """What waits under that name, and how many seconds it has."""
        waiting, seconds = self._beside.look(name, self._starts[name])
        return waiting, float(seconds)


@pytest.fixture
def waits(beside: Any, new_name: Callable[[], str], rng: random.Random) -> Waits:
    """What waits beside the tests."""
    read_timeout = rng.uniform(0.3, 0.9)
    held = rng.uniform(1.2, 1.6)

    def on_redis(make: Callable[..., Any], *args: Any, **options: Any) -> Callable[..., Any]:
        return lambda consumer, at_end: make(
            Channel(beside.service("redis"), consumer, new_name()),
            at_end,
            content.trips(rng, 3),
            *args,
            **options,
        )

    def on_rabbitmq(consumer: Consumer, at_end: ExitStack) -> QuietQueue:
        queues = Queues(beside.service("rabbitmq"), consumer, new_name)
        return QuietQueue(queues, at_end, content.trips(rng, 2), new_name())

    return Waits(
        beside,
        {
            "redis late": on_redis(Late, held),
            "redis quiet": on_redis(Quiet),
            "redis quiet, read time-out": on_redis(Quiet, socket_timeout=read_timeout),
            "redis quiet after an event": on_redis(Quiet, 1),
            "rabbitmq quiet": on_rabbitmq,
        },
    )


@pytest.fixture(autouse=True)
def waiting_begun(request: pytest.FixtureRequest, waits: Waits) -> None:
    """Begin what waits with the first test of RabbitMQ.

    The tests of Redis that count subscribers are over by then: who subscribes to a pattern would
    be counted there.
    """
    if "rabbitmq" in request.node.path.name:
        waits.begin()
