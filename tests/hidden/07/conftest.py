"""What the tests of exercise 07 share: a bridge's three places, and the student's functions on them.

An event is in the file past the stored offset, in the RabbitMQ queue or in its dead-letter queue, or
in the SQS queue. What the stored offset is, only the student's collect knows: a new process is asked
for it by a call, and what is before the offset does not come.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pika
import pytest

from grader.services.gate import Gate, Halt, Packet
from grader.services.rabbitmq.service import RabbitMQService
from grader.services.sqs.service import RefusedError, SqsService
from grader.suite import (
    Consumer,
    Failed,
    Kept,
    New,
    Process,
    Raised,
    Returned,
    Run,
    Step,
    Stop,
    content,
)
from grader.suite.content import named
from grader.suite.steps import in_words

# Seconds until a broker must show what was done; only a wrong submission waits so long.
PATIENCE = 5.0
TEN = 10
"""Entries of a batch at most; also how many events a kill in collect may repeat."""
LONG = 60
"""Seconds: a max_idle that no run reaches."""
_MOST = 8
"""Events that a sentence lists by their numbers; of more it says how many."""
_NOT_FOUND = 404

PUBLISH = Packet("RabbitMQ", "basic.publish", up=True)
CONFIRM = Packet("RabbitMQ", "basic.ack", up=False)
ACK = Packet("RabbitMQ", "basic.ack", up=True)
SENDS = tuple(Packet("SQS", name, up=True) for name in ("SendMessageBatch", "SendMessage"))
ANSWERS = tuple(Packet("SQS", each.name, up=False) for each in SENDS)


def read(body: bytes | str) -> Any:
    """The value of a body, or the body where it is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def line(item: Any) -> bytes:
    """An event as its line, bytes as they are."""
    return content.to_line(item)


def body_of(item: Any) -> bytes:
    """An event as a message, in UTF-8; bytes as they are."""
    return item if isinstance(item, bytes) else json.dumps(item, ensure_ascii=False).encode()


@dataclass(frozen=True)
class Held:
    """What the three places held, taken out of them."""

    queue: list[Any]
    dead: list[Any]
    sqs: list[Any]

    @property
    def everything(self) -> list[Any]:
        """All of it."""
        return [*self.queue, *self.dead, *self.sqs]

    def missing(self, events: list[Any]) -> list[Any]:
        """Those of the events that are in none of them."""
        there = self.everything
        return [event for event in events if event not in there]

    def repeats(self, events: list[Any]) -> int:
        """How many copies of these events there are, beyond one of each."""
        there = self.everything
        return sum(there.count(event) - 1 for event in events if event in there)


class Bridge:
    """A file, a RabbitMQ queue and a SQS queue, as the suite sees them; and the student's functions.

    What the student's code did to the queues is a failure, not an error.
    """

    def __init__(
        self,
        rabbitmq: RabbitMQService,
        connection: pika.BlockingConnection,
        sqs: SqsService,
        consumer: Consumer,
        gate: Gate,
        file: Any,
        offset: str,
        *,
        fifo: bool,
    ) -> None:
        self.rabbitmq = rabbitmq
        self.sqs = sqs
        self.gate = gate
        self.file = file
        self.offset = offset
        # Not from the run's seed, which all submissions share: on the user's own broker they would meet.
        self.queue = f"trips-{uuid.uuid4().hex[:12]}"
        self.dead = f"{self.queue}.dead"
        self.sqs_name = f"{self.queue}{'.fifo' if fifo else ''}"
        self.url = sqs.queue_url(self.sqs_name)
        self.max_idle = 0.25
        self._fifo = fifo
        self._consumer = consumer
        self._connection = connection
        self._channel = self._connection.channel()
        sqs.ask(
            "CreateQueue", QueueName=self.sqs_name, Attributes={"FifoQueue": "true"} if fifo else {}
        )

    # The student's functions ------------------------------------------------------

    def process(self, **stops: bool) -> Process:
        """A new process, with a boto3 client in it."""
        process = self._consumer.process(**stops)
        process.keep("sqs", New("boto3.client", "sqs", **self.sqs.consumer_arguments))
        return process

    @property
    def parameters(self) -> New:
        """What the student's process connects with."""
        service = self.rabbitmq
        return New(
            "pika.ConnectionParameters",
            host=service.host,
            port=service.port,
            virtual_host=service.virtual_host,
            credentials=New("pika.PlainCredentials", service.username, service.password),
        )

    def collect(self, process: Process | None = None, **kwargs: Any) -> Run:
        """Begin a call of collect."""
        where = process or self.process()
        return where.start(
            "bridge.collect", self.file.path, self.offset, self.parameters, self.queue, **kwargs
        )

    def forward(self, process: Process | None = None, **kwargs: Any) -> Run:
        """Begin a call of forward."""
        where = process or self.process()
        options = {"max_idle": self.max_idle, **kwargs}
        return where.start(
            "bridge.forward", self.parameters, self.queue, Kept("sqs"), self.url, **options
        )

    def finish(self, run: Run, when: str) -> Any:
        """Say yes to every step until it returns; the value."""
        self._consumer.given(when)
        run.drain()
        return run.value

    def outcome(self, run: Run, when: str) -> Step:
        """Say yes to every step until it returns or raises; which of them."""
        self._consumer.given(when)
        while not isinstance(step := run.next("return"), Returned | Raised):
            run.go_on()
        return step

    def said(self, step: Step | None) -> str:
        """What it did, for the end of a sentence."""
        return "it waited" if step is None else in_words(step, "it")

    def note(self, what: str) -> None:
        """Add a line of the suite's to the test's log."""
        self._consumer.log.add("suite", what)

    # Kills --------------------------------------------------------------------------

    def runs_to(
        self, run: Run, halt: Halt, on_step: Callable[[Step], None] = lambda _: None
    ) -> bool:
        """Say yes to every step until the halt is reached; whether it was, before the call was over."""
        while (step := run.next_before(halt)) is not None:
            on_step(step)
            if isinstance(step, Returned | Raised):
                return False
            run.go_on()
        return True

    def goes_on(self, run: Run, most: int = 40) -> bool:
        """Say yes to every step until it waits, or is over; whether there was a step.

        For what it does while it does not get what it waits for.
        """
        for number in range(most):
            step = run.next_unless_still()
            if step is None or isinstance(step, Returned | Raised):
                return number > 0 or step is not None
            run.go_on()
        return True

    def kill(self, run: Run, halt: Halt) -> None:
        """Kill the process where everything stands; nothing of it arrives any more."""
        run.kill()
        halt.drop()

    def kill_now(self, run: Run) -> None:
        """Kill the process; what it had sent has arrived, and nothing more of it arrives."""
        _ = self.rabbitmq.open_connections  # the answer comes after whatever is on its way now
        with self.gate.stopped() as halt:
            self.kill(run, halt)

    # RabbitMQ ------------------------------------------------------------------------

    def declare(self) -> None:
        """Declare the queue and its dead-letter queue, as exercise 03 does."""
        self._channel.queue_declare(self.dead, durable=True)
        arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": self.dead}
        self._channel.queue_declare(self.queue, durable=True, arguments=arguments)

    def delete_queue(self) -> None:
        """Delete the queue, with what is in it."""
        self._consumer.log.add("suite", f"deletes the queue {self.queue!r}")
        self._channel.queue_delete(self.queue)

    def put(self, *items: Any) -> None:
        """Put events, or bytes as they are, into the queue, which is declared where it is missing."""
        self.declare()
        self._consumer.log.add("suite", f"puts {len(items)} messages into {self.queue!r}")
        channel = self._connection.channel()
        channel.confirm_delivery()
        properties = pika.BasicProperties(delivery_mode=2)
        try:
            for item in items:
                channel.basic_publish("", self.queue, body_of(item), properties, mandatory=True)
        except (pika.exceptions.UnroutableError, pika.exceptions.NackError):
            raise Failed(
                f"messages should be put into the queue {self.queue!r}; it takes none"
            ) from None
        channel.close()

    def refusal(self, name: str) -> str:
        """Why the broker refuses a durable queue of that name with other arguments; "" if not."""
        try:
            self._channel.queue_declare(name, durable=True, arguments={"x-max-length": 7})
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

    def wait_declared(self, run: Run) -> None:
        """Wait until the student's code has declared the queue."""
        # Each look at a queue that is not there costs the broker a channel.
        deadline = time.monotonic() + 2 * PATIENCE
        while not self.exists(self.queue):
            if not run.waiting(0.02):
                step = run.next()
                raise Failed(f"forward should declare the queue and wait; {in_words(step, 'it')}")
            if time.monotonic() > deadline:
                raise Failed("forward should declare the queue; there was none after 10 s")

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
        except pika.exceptions.ChannelClosedByBroker as error:
            self._channel = self._connection.channel()
            gone = error.reply_code == _NOT_FOUND
            why = "there is no queue of that name" if gone else error.reply_text
            raise Failed(f"the queue {name or self.queue!r} should hold messages: {why}") from None
        return taken

    def bodies(self, name: str = "") -> list[bytes]:
        """The bodies of everything that lies ready in a queue, out of it."""
        return [body for _, body in self.take(name)]

    # SQS -----------------------------------------------------------------------------

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

    # All of them ---------------------------------------------------------------------

    def held(self, events: list[Any] = ()) -> Held:  # type: ignore[assignment]
        """Take everything out of the queue, the dead-letter queue and SQS, as events.

        What the end of a connection gives back is waited for: until each of `events` is somewhere.
        """
        self.wait_given_back()
        sqs = [read(body) for body in self.sqs_bodies()]
        dead = (
            [read(body) for body in self.bodies(self.dead)] if self._look(self.dead)[0] > 0 else []
        )
        absent = [event for event in events if event not in sqs and event not in dead]
        self.wait_ready(len(absent))
        queue = [read(body) for body in self.bodies()] if self.ready > 0 else []
        return Held(queue, dead, sqs)

    def these(self, events: list[Any], everything: list[Any]) -> str:
        """Events by their place, for a sentence."""
        unknown = sum(event not in everything for event in events)
        if unknown:
            return f"{count_of(events, 'event')}, of which {unknown} had not been there before"
        if len(events) > _MOST:
            return f"{len(events)} events"
        return named(events, everything)


def count_of(things: list[Any] | int, noun: str) -> str:
    """A number and its noun."""
    number = things if isinstance(things, int) else len(things)
    return f"{number} {noun}{'' if number == 1 else 's'}"


@pytest.fixture
def new_bridge(
    service: Callable[[str], Any],
    consumer: Consumer,
    gate: Gate,
    new_stream: Callable[..., Any],
    state: Any,
    rng: random.Random,
) -> Iterator[Callable[..., Bridge]]:
    """`new_bridge()`: a file, a queue that is not declared yet, an SQS queue; `fifo=True` for FIFO."""
    sqs: SqsService = service("sqs")
    sqs.clear_requests()
    sqs.fail_batch_entries(None)
    rabbitmq: RabbitMQService = service("rabbitmq")
    connection = rabbitmq.connect()

    def make(*, fifo: bool = False, declared: bool = True) -> Bridge:
        offset = state.path(f"offset-{rng.randrange(16**6):06x}")
        parts = (rabbitmq, connection, sqs, consumer, gate, new_stream(), offset)
        bridge = Bridge(*parts, fifo=fifo)
        bridge.max_idle = rng.uniform(0.2, 0.25)
        if declared:
            bridge.declare()
        return bridge

    yield make
    if connection.is_open:
        connection.close()
    sqs.fail_batch_entries(None)


@pytest.fixture
def bridge(new_bridge: Callable[..., Bridge]) -> Bridge:
    """The bridge of this test; its queue is declared."""
    return new_bridge()


@pytest.fixture
def publish() -> Packet:
    """A message on its way to RabbitMQ."""
    return PUBLISH


@pytest.fixture
def confirm() -> Packet:
    """The broker's word that it has messages, on its way to the program."""
    return CONFIRM


@pytest.fixture
def sends() -> tuple[Packet, ...]:
    """A request that sends messages to SQS."""
    return SENDS


@pytest.fixture
def answers() -> tuple[Packet, ...]:
    """The answer to such a request, on its way to the program."""
    return ANSWERS


class Habits:
    """What the student's forward does that more than one check would notice: the owner tells."""

    def __init__(
        self,
        new_bridge: Callable[..., Bridge],
        trips: Callable[..., list[Any]],
        rng: random.Random,
        known: dict[str, str],
    ) -> None:
        self._new_bridge = new_bridge
        self._trips = trips
        self._rng = rng
        self._known = known

    @property
    def stores_early(self) -> str:
        """What is lost when RabbitMQ never got the first message; 07.confirm-before-offset."""
        if "stores" not in self._known:
            self._known["stores"] = self.killed_before_message(1)
        return self._known["stores"]

    def killed_before_message(self, number: int) -> str:
        """What is lost when a message does not arrive, as a sentence; "" for nothing."""
        bridge = self._new_bridge()
        everything = self._trips(self._rng.randint(4, 6))
        bridge.file.append(*everything)
        run = bridge.collect()
        run.process.case.given(f"the file held {len(everything)} events")
        with bridge.gate.stopped_before(PUBLISH, number=number) as halt:
            if not bridge.runs_to(run, halt):
                return ""  # 07.collects tells
            bridge.goes_on(run)
            bridge.kill(run, halt)
        scene = (
            f"the file held {len(everything)} events; the message of event {number} was on its way to "
            "RabbitMQ and had not arrived when the process was killed"
        )
        bridge.finish(bridge.collect(), scene)
        lost = bridge.held(everything).missing(everything)
        return (
            ""
            if not lost
            else (
                f"{scene}. The offset should not have been stored past it, so that the next call publishes "
                f"it; after that call {bridge.these(lost, everything)} "
                f"{'is' if len(lost) == 1 else 'are'} not in the queue"
            )
        )

    @property
    def forgets_early(self) -> str:
        """What is lost when SQS never got the first request, as a sentence; 07.ack-after-sent."""
        if "early" not in self._known:
            self._known["early"] = self.killed_before_request(1)
        return self._known["early"]

    def killed_before_request(self, number: int) -> str:
        """What is lost when a request to SQS does not arrive, as a sentence; "" for nothing."""
        bridge = self._new_bridge()
        size = self._rng.randint(2, 5)
        everything = self._trips(3 * size)
        bridge.put(*everything)
        run = bridge.forward(batch_size=size)
        # RabbitMQ goes on meanwhile: what is acknowledged before the answer arrives there.
        with bridge.gate.stopped_before(*SENDS, number=number, alone=True) as halt:
            if not bridge.runs_to(run, halt):
                return ""  # 07.forwards tells
            bridge.goes_on(run)
            bridge.kill(run, halt)
        lost = bridge.held(everything).missing(everything)
        return (
            ""
            if not lost
            else (
                f"{len(everything)} events were in the queue, and batch_size is {size}; request {number} "
                "was on its way to SQS and had not arrived when the process was killed: "
                f"{bridge.these(lost, everything)} {'is' if len(lost) == 1 else 'are'} neither in the "
                "queue, nor in its dead-letter queue, nor in SQS"
            )
        )

    @property
    def forgets_refused(self) -> str:
        """What is lost when SQS refuses a request, as a sentence; 07.backpressure."""
        if "refused" not in self._known:
            self._known["refused"] = self._refused()
        return self._known["refused"]

    def _refused(self) -> str:
        bridge = self._new_bridge()
        everything = self._trips(self._rng.randint(3, 6))
        bridge.put(*everything)
        bridge.ask("DeleteQueue")
        run = bridge.forward(batch_size=len(everything))
        with bridge.gate.stopped_before(*ANSWERS) as halt:
            if not bridge.runs_to(run, halt):
                return ""  # 07.forwards tells
        bridge.goes_on(run)
        if not run.over:
            bridge.kill_now(run)
        bridge.wait_given_back()
        bridge.wait_ready(len(everything))
        left = [read(body) for body in bridge.bodies()]
        lost = [event for event in everything if event not in left]
        return (
            ""
            if not lost
            else (
                f"{len(everything)} events were in the queue, and SQS refused the request, since it had no "
                f"such queue: nothing should be acknowledged; {bridge.these(lost, everything)} "
                f"{'is' if len(lost) == 1 else 'are'} no longer in the RabbitMQ queue"
            )
        )


@pytest.fixture(scope="session")
def known() -> dict[str, str]:
    """What was found out about the student's forward."""
    return {}


@pytest.fixture
def habits(
    new_bridge: Callable[..., Bridge],
    trips: Callable[..., list[Any]],
    rng: random.Random,
    known: dict[str, str],
) -> Habits:
    """What the student's forward does that more than one check would notice."""
    return Habits(new_bridge, trips, rng, known)
