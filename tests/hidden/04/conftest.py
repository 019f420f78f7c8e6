"""What the tests of exercise 04 share: the service, queues, and the student's functions on them."""

from __future__ import annotations

import copy
import json
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from grader.services.sqs.recorded import Request
from grader.services.sqs.service import RefusedError, SqsService
from grader.suite import HANDLE, Consumer, Failed, Kept, New, Process, Run, content

HIDDEN = 600
"""Seconds. Longer than a run takes on a busy machine: the queues' clock is the real one, moved."""
TEN = 10
"""Entries of a batch, messages of a receive: the most that SQS takes and gives."""
TRIP_START = {"EventType": "trip_start"}
"""The attribute that send_events gives to a message. Who asks for it is told so by 04.consumes."""


@pytest.fixture
def sqs(service: Callable[[str], Any], consumer: Consumer) -> SqsService:
    """The service; nothing recorded yet, nothing set to go wrong."""
    found: SqsService = service("sqs")
    found.clear_requests()
    found.fail_batch_entries(None)
    found.refuse_messages(None)
    found.fail_delete_entries(None)
    found.empty_receives()
    found.receive_at_most(TEN)
    found.region = "us-east-1"
    return found


class Queue:
    """A queue as the suite sees it. What the student's code did to it is a failure, not an error."""

    def __init__(self, sqs: SqsService, consumer: Consumer, name: str) -> None:
        self._sqs = sqs
        self._log = consumer.log
        self.name = name
        self.url = sqs.queue_url(name)
        self.is_fifo = name.endswith(".fifo")

    def ask(self, action: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a request of the suite's own, on this queue."""
        try:
            return self._sqs.ask(action, QueueUrl=self.url, **parameters)
        except RefusedError as error:
            if error.code == "QueueDoesNotExist":
                raise Failed(f"there should be a queue {self.name}, and there is none") from None
            raise Failed(f"the queue {self.name} refuses {action}: {error}") from None

    def make(self, **attributes: str) -> None:
        """Create it."""
        kind = {"FifoQueue": "true"} if self.is_fifo else {}
        self._sqs.ask("CreateQueue", QueueName=self.name, Attributes={**kind, **attributes})

    @property
    def dead(self) -> Queue:
        """Its dead-letter queue, made or not."""
        stem, dot, end = self.name.partition(".")
        dead = copy.copy(self)
        dead.name = f"{stem}-dead{dot}{end}"
        dead.url = self._sqs.queue_url(dead.name)
        return dead

    @property
    def attributes(self) -> dict[str, str]:
        """All of them, by name."""
        found: dict[str, str] = self.ask("GetQueueAttributes", AttributeNames=["All"])["Attributes"]
        return found

    def put(
        self,
        *bodies: dict[str, Any] | str,
        ascii_only: bool = True,
        attributes: Sequence[dict[str, str]] = (TRIP_START,),
    ) -> None:
        """Put events, or bodies as they are, into the queue.

        In a FIFO queue an event's group is its zone, and its deduplication id its event_id.
        `attributes` are those of messages, in turn.
        """
        self._log.add("suite", f"puts {len(bodies)} messages into the queue")
        entries = []
        for number, body in enumerate(bodies):
            text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=ascii_only)
            texts = attributes[number % len(attributes)]
            kinds = {key: {"DataType": "String", "StringValue": texts[key]} for key in texts}
            entry = {"Id": str(number), "MessageBody": text, "MessageAttributes": kinds}
            if self.is_fifo and isinstance(body, dict):
                entry["MessageGroupId"] = body["pickup_zone"].replace(" ", "-")
                entry["MessageDeduplicationId"] = str(body["event_id"])
            entries.append(entry)
        for first in range(0, len(entries), TEN):
            self.ask("SendMessageBatch", Entries=entries[first : first + TEN])

    def take_all(self) -> list[dict[str, Any]]:
        """Take all visible messages out of the queue, with their attributes."""
        found: list[dict[str, Any]] = []
        while messages := self.ask(
            "ReceiveMessage",
            MaxNumberOfMessages=TEN,
            VisibilityTimeout=3600,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages"):
            found += messages
            handles = [
                {"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)
            ]
            self.ask("DeleteMessageBatch", Entries=handles)
        return found

    def take_events(self) -> list[Any]:
        """Take all visible messages out; their bodies, read as JSON where they are that."""
        return [read(message["Body"]) for message in self.take_all()]

    @property
    def depth(self) -> tuple[int, int]:
        """Visible messages, and messages in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.ask("GetQueueAttributes", AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])

    def let_time_out(self) -> None:
        """Let the visibility timeout of everything that is hidden pass."""
        self._sqs.advance(HIDDEN + 1)

    @property
    def left(self) -> str:
        """What is in it, for the end of a sentence."""
        visible, hidden = self.depth
        return f"the queue holds {visible} visible and {hidden} hidden"


def read(body: str) -> Any:
    """The value of a body, or the body where it is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


@pytest.fixture
def returned(rng: random.Random) -> list[Any]:
    """What handle() returns, one after the other, where that is no verdict on the event."""
    return rng.sample(content.RETURNED, len(content.RETURNED))


@pytest.fixture
def queue_called(sqs: SqsService, consumer: Consumer) -> Callable[[str], Queue]:
    """`queue_called(name)`: a queue that the student's code was to make."""
    return lambda name: Queue(sqs, consumer, name)


@pytest.fixture
def new_queue(sqs: SqsService, consumer: Consumer, rng: random.Random) -> Callable[..., Queue]:
    """`new_queue()`: a queue of a random name, with a visibility timeout of HIDDEN.

    `new_queue(n)`: a message is dead after so many receives. `end` is the name's.
    """

    def make(max_receive_count: int | None = None, *, fifo: bool = False, end: str = "") -> Queue:
        name = f"trips-{rng.randrange(16**8):08x}{'.fifo' if fifo else end}"
        queue = Queue(sqs, consumer, name)
        more = {}
        if max_receive_count is not None:
            queue.dead.make()
            arn = queue.dead.attributes["QueueArn"]
            policy = {"deadLetterTargetArn": arn, "maxReceiveCount": max_receive_count}
            more["RedrivePolicy"] = json.dumps(policy)
        queue.make(VisibilityTimeout=str(HIDDEN), **more)
        return queue

    return make


@pytest.fixture
def queue(new_queue: Callable[..., Queue]) -> Queue:
    """The queue of this test."""
    return new_queue()


class Student:
    """The student's functions, each called with a boto3 client that its process keeps."""

    def __init__(self, sqs: SqsService, consumer: Consumer) -> None:
        self._sqs = sqs
        self._consumer = consumer

    def process(self) -> Process:
        """A new process, with a client in it."""
        process = self._consumer.process()
        process.keep("sqs", New("boto3.client", "sqs", **self._sqs.consumer_arguments))
        return process

    def consume(
        self, queue: Queue, process: Process | None = None, handle: Any = HANDLE, **kwargs: Any
    ) -> Run:
        """Begin a call of sqs_consumer, in a new process unless one is given."""
        where = process or self.process()
        return where.start("sqs.sqs_consumer", Kept("sqs"), queue.url, handle, **kwargs)

    def send(self, queue: Queue, events: list[Any], process: Process | None = None) -> None:
        """Call send_events, which must not raise."""
        where = process or self.process()
        where.call("sqs.send_events", Kept("sqs"), queue.url, events)

    def create(self, name: str, process: Process | None = None, **kwargs: int) -> str:
        """Call create_queue; what it returns is a str."""
        where = process or self.process()
        url = where.call("sqs.create_queue", Kept("sqs"), name, **kwargs)
        if not isinstance(url, str):
            raise Failed(
                f"create_queue should return the queue's URL, a str; it returned {kind_of(url)}"
            )
        return url


def kind_of(value: Any) -> str:
    """A value that is none of the type that was due, in two words."""
    return "None" if value is None else f"a {type(value).__name__}"


@pytest.fixture
def student(sqs: SqsService, consumer: Consumer) -> Student:
    """The student's functions."""
    return Student(sqs, consumer)


class Asked:
    """The student's requests so far, as far as tests count them; of odd requests, what can be."""

    def __init__(self, sqs: SqsService) -> None:
        self._sqs = sqs

    def forget(self) -> None:
        """Begin to count anew."""
        self._sqs.clear_requests()

    @property
    def all(self) -> list[Request]:
        """Every request."""
        return self._sqs.requests

    @property
    def receives(self) -> list[Request]:
        """Every ReceiveMessage."""
        return self._sqs.requests_of("ReceiveMessage")

    def counts(self, since: int = 0) -> list[int]:
        """How many messages each receive asked for, from that receive on; not said means one."""
        found = [each.parameters.get("MaxNumberOfMessages", 1) for each in self.receives[since:]]
        return [each if isinstance(each, int) else 1 for each in found]

    @property
    def waits(self) -> list[Any]:
        """The WaitTimeSeconds of each receive, or None."""
        return [each.parameters.get("WaitTimeSeconds") for each in self.receives]

    @property
    def received(self) -> int:
        """How many messages came in all."""
        return sum(map(messages_in, self.receives))

    @property
    def deleted(self) -> int:
        """How many messages were asked to be deleted."""
        return sum(map(deletes_in, self._sqs.requests))

    def received_between_deletes(self, handle: str) -> bool:
        """Whether a receive lies between the first and the last delete with that receipt handle."""
        of_it = [number for number, each in enumerate(self.all) if handle in handles_in(each)]
        between = self.all[of_it[0] : of_it[-1]] if of_it else []
        return any(each.action == "ReceiveMessage" for each in between)

    @property
    def batches(self) -> list[list[dict[str, Any]]]:
        """The entries of each SendMessageBatch."""
        return [entries_of(each) for each in self._sqs.requests_of("SendMessageBatch")]

    @property
    def sent(self) -> list[dict[str, Any]]:
        """What was to be sent, in the order of the requests: entries of batches, and messages alone."""
        return [entry for each in self._sqs.requests for entry in sends_in(each)]


def entries_of(request: Request) -> list[dict[str, Any]]:
    """The entries of a batch."""
    entries = request.parameters.get("Entries")
    return [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []


def messages_in(request: Request) -> int:
    """How many messages a receive brought."""
    return len(request.response.get("Messages") or ())


def sends_in(request: Request) -> list[dict[str, Any]]:
    """What a request sends."""
    match request.action:
        case "SendMessage":
            return [request.parameters]
        case "SendMessageBatch":
            return entries_of(request)
    return []


def deletes_in(request: Request) -> int:
    """How many messages a request deletes."""
    match request.action:
        case "DeleteMessage":
            return 1
        case "DeleteMessageBatch":
            return len(entries_of(request))
    return 0


def handles_in(request: Request) -> list[Any]:
    """The receipt handles of what a request deletes."""
    match request.action:
        case "DeleteMessage":
            return [request.parameters.get("ReceiptHandle")]
        case "DeleteMessageBatch":
            return [entry.get("ReceiptHandle") for entry in entries_of(request)]
    return []


@pytest.fixture
def asked(sqs: SqsService) -> Asked:
    """The student's requests."""
    return Asked(sqs)
