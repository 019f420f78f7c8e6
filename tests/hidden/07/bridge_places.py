"""A bridge's three places, and the student's functions on them.

An event is in the file past the stored offset, in the RabbitMQ queue or in its dead-letter queue, or
in the SQS queue. What the stored offset is, only the student's collect knows: a new process is asked
for it by a call, and what is before the offset does not come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pika
from bridge_queues import RabbitQueue, SqsQueue
from bridge_words import is_are

from grader.services.gate import Gate, Halt, Packet
from grader.services.rabbitmq.service import RabbitMQService
from grader.services.sqs.service import SqsService
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
    leave_to,
)
from grader.suite.content import these, value_of
from grader.suite.steps import in_words

_TOLERANCE = 0.1
"""Seconds between what is logged, and when it was."""
_PATIENT = 0.4
"""Share of a step's time."""
_CAME = ("basic.deliver", "basic.get-ok")
_SENT = "SendMessage"
"""How what crosses is called in a test's log."""

PUBLISH = Packet("RabbitMQ", "basic.publish", up=True)
CONFIRM = Packet("RabbitMQ", "basic.ack", up=False)
SENDS = tuple(Packet("SQS", name, up=True) for name in ("SendMessageBatch", "SendMessage"))
ANSWERS = tuple(Packet("SQS", each.name, up=False) for each in SENDS)


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


class Bridge(RabbitQueue, SqsQueue):
    """A file, a RabbitMQ queue and a SQS queue, as the suite sees them; and the student's functions."""

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
        read: Callable[[], bytes | None],
        fifo: bool,
        known: dict[str, str],
    ) -> None:
        RabbitQueue.__init__(self, rabbitmq, connection, consumer)
        SqsQueue.__init__(self, sqs, f"{self.queue}{'.fifo' if fifo else ''}")
        self.gate = gate
        self.file = file
        self.offset = offset
        self._read = read
        self.max_idle = 0.25
        self._known = known
        self.last_step: Step | None = None
        """The last that `runs_to` saw."""

    @property
    def stored(self) -> bytes | None:
        """The bytes of the offset file now; None without one."""
        return self._read()

    @property
    def patient(self) -> float:
        """A max_idle that only who sends nothing waits for; less than a step may take."""
        return _PATIENT * self._consumer.seconds

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

    def collect(self, process: Process | None = None, *, paths: bool = False, **kwargs: Any) -> Run:
        """Begin a call of collect; with `paths`, each of its files is said by a relative Path."""
        where = process or self.process()
        files: list[Any] = [self.file.path, self.offset]
        if paths:
            files = [New("pathlib.Path", New("os.path.relpath", each)) for each in files]
        return where.start("bridge.collect", *files, self.parameters, self.queue, **kwargs)

    def forward(self, process: Process | None = None, **kwargs: Any) -> Run:
        """Begin a call of forward."""
        where = process or self.process()
        options = {"max_idle": self.max_idle, **kwargs}
        return where.start(
            "bridge.forward", self.parameters, self.queue, Kept("sqs"), self.url, **options
        )

    def finish(self, run: Run, when: str) -> Any:
        """Say yes to every step until it returns; the value."""
        step = self.outcome(run, when)
        if isinstance(step, Raised):
            raise run.otherwise("return", in_words(step, "it"))
        return step.value

    def forwards(self, when: str, process: Process | None = None, **kwargs: Any) -> Any:
        """Call forward until it returns; the value."""
        return self.finish(self.forward(process, **kwargs), when)

    def ended_while_busy(self, max_idle: float) -> bool:
        """Tell whether messages are left, and none had come for max_idle before SQS answered last.

        Right after a call of forward. What RabbitMQ sends when a batch is acknowledged, a program
        that is about to end need not read.
        """
        log = self._consumer.log.entries
        answers = [each["at"] for each in log if each["who"] == "sqs" and _SENT in each["what"]]
        came = [each["at"] for each in log if any(name in each["what"] for name in _CAME)]
        busy_until = max(answers, default=0.0)
        last = max((at for at in came if at < busy_until), default=busy_until)
        return log[-1]["at"] - last >= max_idle - _TOLERANCE and self.wait_given_back() > 0

    def declare(self) -> None:
        """Declare the queues where they are missing, as the student's code does it.

        The suite's own way is quicker. Where the student's is another one, RabbitMQ would refuse the
        second of the two, and that would be what every test is about.
        """
        if self.exists(self.queue):
            return
        if "declares" not in self._known:
            self._known["declares"] = self._who_declares()
        if self._known["declares"] == "suite":
            self.declare_as_usual()
        else:
            self._declare_by(self._known["declares"])
            if not self.exists(self.dead):
                self._channel.queue_declare(self.dead, durable=True)

    def _declare_by(self, function: str) -> None:
        """Let the student's collect, which finds no file, or forward, with nothing to do, declare."""
        if function == "collect":
            parts = (f"{self.offset}-none", f"{self.offset}-at", self.parameters, self.queue)
            run = self.process().start("bridge.collect", *parts)
        else:
            run = self.forward(max_idle=0.01)
        self.finish(run, "there was no queue")

    def _who_declares(self) -> str:
        """Tell who can declare the queues for both: the suite, or one of the student's functions."""
        for function in ("collect", "forward"):
            try:
                self._declare_by(function)
            except Failed:
                continue
            if self.exists(self.queue):
                if self.fits():
                    return "suite"
                self._known["rejected"] = (
                    ""
                    if self.rejected_arrives()
                    else "a message in a queue that the program had declared was rejected, and was not in "
                    "the dead-letter queue"
                )
                return function
        return "suite"

    def leaves_rejected(self) -> bool:
        """Tell whether the student's queue leads to no dead-letter queue, and leave it to 07.collects."""
        if lost := self._known.get("rejected"):
            leave_to("07.collects", lost)
        return bool(lost)

    def leave_unpublished(self, events: list[Any], number: int) -> None:
        """Leave to 07.collects that collect did not run to that message."""
        leave_to(
            "07.collects",
            f"the file held {len(events)} events: collect should publish each; "
            f"{self.said(self.last_step)}, and message {number} was not seen on its way to RabbitMQ",
        )

    def unsent(self, events: list[Any], what: str) -> str:
        """Forward did not run to where that is seen, as a sentence for 07.forwards."""
        return (
            f"{len(events)} events were in the queue: forward should send them to SQS in batches; "
            f"{self.said(self.last_step)}, and {what} was not seen"
        )

    def outcome(self, run: Run, when: str) -> Returned | Raised:
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

    def begin_story(self, what: str) -> None:
        """Leave what was before out of the test's log; `what` is its first line."""
        self._consumer.log.begin_again()
        self.note(what)

    def note_held(self, held: Held, events: list[Any]) -> None:
        """Add to the test's log which of the events are where."""
        places = {"the queue": held.queue, "its dead-letter queue": held.dead, "SQS": held.sqs}
        for place, found in places.items():
            there = [event for event in events if event in found]
            self.note(f"finds in {place} {self.these(there, events)}")

    # Kills --------------------------------------------------------------------------

    def runs_to(self, run: Run, halt: Halt) -> bool:
        """Say yes to every step until the halt is reached; whether it was, before the call was over."""
        while (step := run.next_before(halt, "return")) is not None:
            self.last_step = step
            if isinstance(step, Returned | Raised):
                return False
            run.go_on()
        return True

    def goes_on(self, run: Run, most: int = 40) -> Step | None:
        """Say yes to every step until it waits, or is over; how it ended, None when it did not.

        For what it does while it does not get what it waits for.
        """
        for _ in range(most):
            step = run.next_unless_still()
            if step is None or isinstance(step, Returned | Raised):
                return step
            run.go_on()
        return None

    def kill(self, run: Run, halt: Halt) -> None:
        """Kill the process where everything stands; nothing of it arrives any more."""
        run.kill()
        halt.drop()

    def kill_now(self, run: Run) -> None:
        """Kill the process; what it had sent has arrived, and nothing more of it arrives."""
        _ = self.rabbitmq.open_connections  # the answer comes after whatever is on its way now
        with self.gate.stopped() as halt:
            self.kill(run, halt)

    # All of them ---------------------------------------------------------------------

    def held(self, events: list[Any] = ()) -> Held:  # type: ignore[assignment]
        """Take everything out of the queue, the dead-letter queue and SQS, as events.

        What the end of a connection gives back is waited for: until each of `events` is somewhere.
        """
        self.wait_given_back()
        sqs = [value_of(body) for body in self.sqs_bodies()]
        dead = (
            [value_of(body) for body in self.bodies(self.dead)]
            if self._look(self.dead)[0] > 0
            else []
        )
        absent = [event for event in events if event not in sqs and event not in dead]
        self.wait_ready(len(absent))
        queue = [value_of(body) for body in self.bodies()] if self.ready > 0 else []
        return Held(queue, dead, sqs)

    def check_nothing_lost(self, events: list[Any], scene: str) -> Held:
        """Fail where an event is in none of the places; what they held."""
        held = self.held(events)
        lost = held.missing(events)
        assert not lost, (
            f"{scene}: {self.these(lost, events)} {is_are(lost)} neither in the queue, nor in its "
            "dead-letter queue, nor in SQS"
        )
        return held

    def these(self, events: list[Any], everything: list[Any]) -> str:
        """Events by their place, for a sentence."""
        return these(events, everything, "had not been there before")
