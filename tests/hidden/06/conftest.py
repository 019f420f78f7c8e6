"""What the tests of exercise 06 share: a topic and a group as an onlooker sees them, and the student's functions.

Where a group begins that has committed nothing is 06.from-the-start's business: in every other
test an onlooker has committed the first offset of each partition before. A kill is judged by the
committed offsets, which no time-out has to end for.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest

from grader.services.kafka.service import KafkaService, Message
from grader.suite import (
    HANDLE,
    READY,
    Consumer,
    Failed,
    Handle,
    Kept,
    Process,
    Ready,
    Returned,
    Run,
    Step,
    content,
    settled,
)
from grader.suite.content import named, same
from grader.suite.steps import in_words, shorten

SESSION = 20_000
"""Milliseconds of a session that a member may not lose while a busy machine lets it wait."""
COMMITS = 20
"""Milliseconds between two commits of who leaves them to the client."""
SHORT_SESSION, SHORTEST_SESSION = 2500, 1500
"""Milliseconds of one that is to end, or whose group waits for its members."""
ELSEWHERE = (
    "Harlem",
    "Inwood",
    "SoHo",
    "Tribeca",
    "Chelsea",
    "Dyker Heights",
    "Red Hook",
    "Astoria",
)
"""Zones, of which there are as many as partitions."""
LIVELY = {"statistics_interval_ms": 100}
"""By itself a client looks once a second what its group does; who counts for it looks as often."""
HELD = 2.5
"""Seconds that an answer comes late."""
LONGEST = 10.0
"""Seconds; only a wrong submission waits so long."""
SOON = 2.0
"""Seconds for a commit to arrive that was sent, and not waited for."""
_MOST = 8
"""Events that a sentence lists by their numbers; of more it says how many."""

Offsets = dict[int, int]

_ENCODER = json.JSONEncoder(ensure_ascii=False)  # json.dumps would make one for each call


def value_of(item: Any) -> bytes | None:
    """An event as the value of its message; anything else as it is."""
    return _ENCODER.encode(item).encode() if isinstance(item, dict) else item


def read(value: bytes | None) -> Any:
    """The JSON of a message, or its value where it is none."""
    try:
        return value if value is None else json.loads(value)
    except (ValueError, RecursionError):
        return value


def canonical(event: Any) -> str:
    """Equal for equal events."""
    return json.dumps(event, sort_keys=True)


class Topic:
    """A topic and a group, as the suite sees them."""

    def __init__(
        self, service: KafkaService, consumer: Consumer, name: str, group: str, count: int
    ) -> None:
        self.service = service
        self.name = name
        self.group = group
        self.count = count
        """Of its partitions."""
        self.everything: list[Any] = []
        """The events that the suite published."""
        self.places: list[tuple[int, int]] = []
        """Their partitions and offsets."""
        self._lengths = dict.fromkeys(range(count), 0)
        self._where: dict[str, int] = {}
        """The partition of each event; equal ones are in the same."""
        self._log = consumer.log
        service.create_topic(name, count)

    def of_group(self, group: str) -> Topic:
        """The same topic, with another group."""
        other = Topic.__new__(Topic)
        other.__dict__.update(self.__dict__)
        other.group = group
        return other

    # What an onlooker does ---------------------------------------------------------

    def put(self, partition: int, *items: Any, key: bytes | None = None) -> None:
        """Publish to a partition: events, or values as they are, which are no events."""
        self._log.add("suite", f"publishes {len(items)} messages to partition {partition}")
        self.service.produce(self.name, [(key, value_of(item)) for item in items], partition)
        for item in items:
            if isinstance(item, dict):
                self.everything.append(item)
                self.places.append((partition, self._lengths[partition]))
                self._where[canonical(item)] = partition
            self._lengths[partition] += 1

    def spread(self, *events: Any) -> None:
        """Publish events by turns to the partitions."""
        for number in range(self.count):
            self.put(number, *events[number :: self.count])

    def scatter(self, rng: random.Random, *events: Any, count: int = 0) -> None:
        """Publish events to the first so many partitions at random, equal ones to the same one."""
        where = {canonical(event): rng.randrange(count or self.count) for event in events}
        for number in range(self.count):
            mine = [event for event in events if where[canonical(event)] == number]
            self.put(number, *mine, key=rng.choice((None, b"Queens", b"\xff\x00")))

    def put_one_by_one(self, partition: int, *items: Any) -> None:
        """The same in a batch for each, between which the log can be trimmed."""
        for item in items:
            self.put(partition, item)

    def trim(self, partition: int, before: int) -> None:
        """Delete what a partition holds before an offset."""
        self._log.add("suite", f"deletes partition {partition} before offset {before}")
        self.service.trim(self.name, partition, before)

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Commit for the group, which has no member."""
        self._log.add("suite", f"commits {offsets} for {self.group}")
        self.service.commit(self.name, self.group, offsets)

    # What an onlooker sees ---------------------------------------------------------

    def judge_order(self, seen: list[Any], events: list[Any], scene: str) -> None:
        """Just these events were handled, each once, and in order within each partition.

        Raises:
            Failed: they were not.
        """
        left = {
            number: [event for event in self.of_partition(number) if event in events]
            for number in range(self.count)
        }
        for event in seen:
            number = self._where.get(canonical(event), -1)
            if not isinstance(event, dict) or event not in events:
                raise Failed(f"{scene}; it handled {shorten(event)}, which is none of them")
            if not left[number]:
                raise Failed(f"{scene}; it handled {shorten(event)} once more")
            wanted = left[number].pop(0)
            if wanted != event:
                raise Failed(
                    f"{scene}; of partition {number}, {shorten(wanted)} should come next, it handled "
                    f"{shorten(event)}"
                )
        if any(left.values()):
            raise Failed(f"{scene}; it handled {len(seen)} and returned")

    @property
    def committed(self) -> Offsets:
        """The committed offset of each partition; 0 where there is none."""
        found = self.service.committed(self.name, self.group)
        return {number: found.get(number, 0) for number in range(self.count)}

    @property
    def ends(self) -> Offsets:
        """The offset after the last message of each partition."""
        return self.service.ends(self.name)

    @property
    def values(self) -> list[Any]:
        """What its messages hold: JSON, or the value as it is."""
        return [read(each.value) for each in self.messages]

    @property
    def messages(self) -> list[Message]:
        """What the topic holds, in order within each partition."""
        return self.service.read(self.name)

    def of_partition(self, number: int) -> list[Any]:
        """The events of a partition."""
        pairs = zip(self.everything, self.places, strict=True)
        return [event for event, (partition, _) in pairs if partition == number]

    def place(self, event: Any) -> tuple[int, int]:
        """Where an event is, of those of which there are no two.

        Raises:
            Failed: it was never published.
        """
        if event not in self.everything:
            raise Failed(f"kafka_consumer handled {event!r:.80}, which was never published")
        return self.places[self.everything.index(event)]

    def passed(self, handled: list[Any], committed: Offsets | None = None) -> list[Any]:
        """The events that committed offsets have passed, and that were not handled."""
        offsets = self.committed if committed is None else committed
        return [
            event
            for event, (partition, offset) in zip(self.everything, self.places, strict=True)
            if event not in handled and offset < offsets[partition]
        ]

    def not_passed(self, handled: list[Any]) -> list[Any]:
        """The handled events that no committed offset has passed."""
        offsets = self.committed
        return [event for event in handled if offsets[(at := self.place(event))[0]] <= at[1]]

    # Words -------------------------------------------------------------------------

    def these(self, events: list[Any]) -> str:
        """Events by their place in what was published, for a sentence."""
        unknown = sum(event not in self.everything for event in events)
        if unknown:
            return f"{len(events)} events, of which {unknown} had not been published"
        if len(events) > _MOST:
            return f"{len(events)} events"
        return named(events, self.everything)


def in_partitions(offsets: Mapping[int, int]) -> str:
    """Offsets, for a sentence."""
    *first, last = [f"{offset} in partition {number}" for number, offset in offsets.items()]
    return f"{', '.join(first)} and {last}" if first else last


class Student:
    """The student's functions."""

    def __init__(
        self,
        service: KafkaService,
        consumer: Consumer,
        new_topic: Callable[..., Topic],
        found: dict[str, bool],
    ) -> None:
        self.service = service
        self._consumer = consumer
        self.new_topic = new_topic
        self._found = found

    def settings(self, **more: Any) -> dict[str, Any]:
        """The settings that a test hands over; with underscores for dots."""
        usual = {
            "session_timeout_ms": SESSION,
            "heartbeat_interval_ms": 100,
            "auto_commit_interval_ms": COMMITS,
            "fetch_error_backoff_ms": 20,
            "retry_backoff_ms": 20,
        }
        return self.service.settings(**(usual | more))

    def process(self) -> Process:
        """A new process."""
        return self._consumer.process()

    def consume(
        self,
        topic: Topic,
        process: Process | None = None,
        *,
        at: Mapping[int, int] | None = None,
        max_events: int = 1000,
        tells: bool = False,
        settings: Any = None,
    ) -> Run:
        """Begin a kafka_consumer, whose group has committed these offsets, or all first ones.

        With {} nothing is committed. With `tells` it gets a `ready` of the suite's.
        """
        offsets = dict.fromkeys(range(topic.count), 0) if at is None else at
        if offsets:
            topic.commit(offsets)
        return self.again(topic, process, max_events=max_events, tells=tells, settings=settings)

    def again(
        self,
        topic: Topic,
        process: Process | None = None,
        *,
        max_events: int = 1000,
        tells: bool = False,
        settings: Any = None,
    ) -> Run:
        """Begin a kafka_consumer in a group as it stands."""
        return (process or self.process()).start(
            "kafka_log.kafka_consumer",
            self.settings() if settings is None else settings,
            topic.name,
            topic.group,
            HANDLE,
            max_events=max_events,
            **({"ready": READY} if tells else {}),
        )

    def publish(
        self, topic: Topic, events: Any, process: Process | None = None, settings: Any = None
    ) -> Run:
        """Begin a call of publish_events."""
        where = process or self.process()
        given = self.settings() if settings is None else settings
        return where.start("kafka_log.publish_events", given, topic.name, events)

    def replay(self, topic: Topic, process: Process | None = None, settings: Any = None) -> Run:
        """Begin a call of replay."""
        where = process or self.process()
        given = self.settings() if settings is None else settings
        return where.start("kafka_log.replay", given, topic.name, HANDLE)

    def lag(self, topic: Topic, process: Process, settings: Any = None) -> Any:
        """Call lag; what it returns."""
        given = self.settings() if settings is None else settings
        return process.call("kafka_log.lag", given, topic.name, topic.group)

    @contextmanager
    def refusing(self, request: str, error: str, count: int = 1) -> Iterator[None]:
        """Let the broker answer so many of these requests with an error; at the end, no more."""
        self.service.refuse(request, error, count)
        try:
            yield
        finally:
            self.service.accept(request)

    def given(self, scene: str) -> None:
        """Say what the test has set up."""
        self._consumer.given(scene)

    # What a test asks --------------------------------------------------------------

    def step(self, run: Run) -> Step:
        """The next step that is not a ready()."""
        while isinstance(step := run.next(), Ready):
            run.go_on()
        return step

    def moves(self, run: Run, seconds: float) -> Step | None:
        """The next step that is not a ready(), or None where none comes within that time."""
        deadline = time.monotonic() + seconds
        while not run.over and not run.waiting(max(0.0, deadline - time.monotonic())):
            step = run.next()
            if not isinstance(step, Ready):
                return step
            run.go_on()
        return None

    def comes(self, condition: Callable[[], object], seconds: float = SOON) -> bool:
        """Tell whether it holds within that time."""
        return not settled(lambda: [] if condition() else [1], seconds)

    def judge_settings(self, process: Process, settings: dict[str, Any], function: str) -> None:
        """The dict that the process keeps as "settings" is as it was.

        Raises:
            Failed: it is not.
        """
        now = process.call("worker.calls.keep", Kept("settings"))
        if now == settings:
            return
        added = sorted(set(now) - set(settings)) if isinstance(now, dict) else []
        raise Failed(
            f"{function} should leave the settings as they are, and change a copy; after the call "
            + (f"they have {', '.join(map(repr, added))} besides" if added else "they are others")
        )

    def commits_all(self, topic: Topic, handled: list[Any]) -> bool:
        """Tell whether committed offsets pass all of these, within the time that a commit may take.

        Who is known to commit other offsets gets no time.
        """
        seconds = 0 if self._found.get("another") else SOON
        return self.comes(lambda: not topic.not_passed(handled), seconds)

    # What another check tells ------------------------------------------------------

    @property
    def commits_early(self) -> bool:
        """Tell whether an event is committed before it was handled: 06.commit-after-handle's."""
        return self._once("early", self._sees_early)

    @property
    def commits_another(self) -> bool:
        """Tell whether it commits another offset than the next, or not at once: 06.commit-is-next's."""
        return self._once("another", self._sees_another)

    def _once(self, name: str, look: Callable[[], bool]) -> bool:
        if name not in self._found:
            scene = self._consumer.scene
            try:
                self._found[name] = look()
            except Failed:
                self._found[name] = False
            self._consumer.given(scene)
        return self._found[name]

    def _sees_early(self) -> bool:
        topic, run = self._probe()
        handled: list[Any] = []
        early = False
        for _ in range(2):
            if not isinstance(step := run.next(), Handle):
                return False
            early = early or self.comes(lambda: topic.passed(handled), SOON / 4)
            handled.append(step.event)
            run.handled()
        run.kill()
        return early

    def _sees_another(self) -> bool:
        topic, run = self._probe(max_events=3)
        handled: list[Any] = []
        while isinstance(step := run.next(), Handle):
            if not self.comes(lambda: not topic.not_passed(handled), SOON / 4):
                run.kill()
                return True
            handled.append(step.event)
            run.handled()
        return not self.comes(lambda: not topic.not_passed(handled), SOON / 4)

    def _probe(self, **options: Any) -> tuple[Topic, Run]:
        topic = self.new_topic(2)
        topic.spread(*({"event_id": number} for number in range(8)))
        return topic, self.consume(topic, **options)


@pytest.fixture
def kafka(service: Callable[[str], Any]) -> KafkaService:
    """The service."""
    found: KafkaService = service("kafka")
    return found


def topics(service: KafkaService, consumer: Consumer) -> Callable[..., Topic]:
    """What makes topics of random names, each with a group's name."""

    def make(count: int = 3, name: str = "trips-{}", group: str = "fares-{}") -> Topic:
        word = uuid.uuid4().hex[:10]
        return Topic(service, consumer, name.format(word), group.format(word), count)

    return make


@pytest.fixture
def new_topic(kafka: KafkaService, consumer: Consumer) -> Callable[..., Topic]:
    """`new_topic(count)`: one more topic of so many partitions, and the name of its group."""
    return topics(kafka, consumer)


@pytest.fixture(scope="session")
def found() -> dict[str, bool]:
    """What was found out about the submission, by name."""
    return {}


@pytest.fixture
def student(
    kafka: KafkaService,
    consumer: Consumer,
    new_topic: Callable[..., Topic],
    found: dict[str, bool],
) -> Student:
    """The student's functions."""
    return Student(kafka, consumer, new_topic, found)


# Beside the tests --------------------------------------------------------------------


class Quiet:
    """A consumer that has handled an event, and then nothing comes."""

    def __init__(self, student: Student, events: list[Any]) -> None:
        self.topic = student.new_topic(1)
        self.topic.put(0, events[0])
        self.run = student.consume(self.topic, max_events=2)
        self.step = student.step(self.run)
        if isinstance(self.step, Handle):
            self.run.handled()
        self._student = student
        self._early: list[Step | None] = []

    @property
    def early(self) -> Step | None:
        """What it did while nothing came; None: it waited."""
        if not self._early:
            self._early.append(self._student.moves(self.run, 0))
        return self._early[0]


class Elsewhere:
    """Events that a process published which shares nothing with those of the tests."""

    def __init__(self, student: Student, events: list[Any]) -> None:
        self.topic = student.new_topic(len(ELSEWHERE))
        self.events = events
        student.publish(self.topic, events).returned()


class SlowReplay:
    """A replay whose first request for messages is answered late."""

    def __init__(self, student: Student, events: list[Any], at_end: ExitStack) -> None:
        self.topic = student.new_topic(2)
        self.topic.spread(*events)
        late = threading.Event()
        at_end.callback(late.set)
        hold = student.service.before("Fetch", action=lambda: late.wait(HELD))
        asked = at_end.enter_context(hold)
        self.run = student.replay(self.topic)
        student.comes(asked.is_set)


class Members:
    """Two members of a group, of which the second one came later.

    A group that gets a new member, or loses one, waits for all others to join again, for a second
    less than their session.
    """

    def __init__(self, student: Student, at_end: ExitStack, count: int, *, tells: bool) -> None:
        self.student = student
        self.topic = student.new_topic(count)
        settings = student.settings(session_timeout_ms=SHORT_SESSION, **LIVELY)
        self._recorded = at_end.enter_context(student.service.recording())
        self.runs = [student.consume(self.topic, tells=tells, settings=settings)]
        self.began()
        self.runs.append(student.again(self.topic, tells=tells, settings=settings))

    def began(self) -> None:
        """The first one began, and the second one did not."""
        self.student.comes(lambda: self.synced or self.runs[0].over, LONGEST)

    @property
    def synced(self) -> int:
        """How often a member was given partitions."""
        return len(self._recorded.requests("SyncGroup", group=self.topic.group))

    @property
    def together(self) -> bool:
        """Tell whether both have been given partitions: one of them for the second time."""
        return self.synced > len(self.runs)

    def wait(self) -> None:
        """Wait until both are there, or one has ended."""
        self.student.comes(lambda: self.together or any(r.over for r in self.runs), LONGEST)


class Pair(Members):
    """Two members that say when they are ready, and then are at liberty to handle what comes."""

    def __init__(self, student: Student, at_end: ExitStack) -> None:
        self.ready: list[Step | None] = []
        """What each of them did first."""
        self.early = False
        """Whether the first one was ready before it had been given partitions."""
        super().__init__(student, at_end, 2, tells=True)

    def began(self) -> None:
        """The first one is ready."""
        self._look(LONGEST)
        self.early = not self.synced

    def go_on(self) -> None:
        """Let the second one go on, where it has come to its ready()."""
        if len(self.ready) < len(self.runs) and not self.runs[1].waiting(0):
            self._look(0)

    def wait(self) -> None:
        """Wait until both are ready, or something else."""
        super().wait()
        if len(self.ready) < len(self.runs):
            self._look(LONGEST)

    def _look(self, seconds: float) -> None:
        run = self.runs[-1]
        step = None if run.waiting(seconds) else run.next()
        if isinstance(step, Ready):
            run.set_at_liberty()
        self.ready.append(step)

    def judge_ready(self) -> None:
        """Each of them said that it is ready when it had been given partitions.

        Raises:
            Failed: one did not.
        """
        for step, who in zip(self.ready, ("a member", "a second member"), strict=True):
            if not isinstance(step, Ready):
                did = "it did nothing" if step is None else in_words(step, "it")
                raise Failed(
                    f"{who} of a group began, and nothing was published yet: it should call ready() "
                    f"when it has been given partitions; {did}"
                )
        if not self.synced:
            raise Failed(
                f"a member of the group {self.topic.group!r} began; nobody joined a group of that "
                "name"
            )
        if self.early:
            raise Failed(
                "a member of a group began; it called ready() before the group had given it "
                "partitions"
            )


class Killed(Members):
    """Two members that have a partition each; one is killed while it handles an event."""

    def __init__(self, student: Student, at_end: ExitStack, events: list[Any]) -> None:
        super().__init__(student, at_end, 2, tells=False)
        self.events = events
        self.killed = False
        self.shared = False
        """Whether each of them handled an event of its own partition."""
        self.done: list[Any] = []
        """What the one that lives on handled before."""
        self.held: Any = None
        """What the other one was killed with."""

    def kill_one(self) -> None:
        """Publish two events to each partition, and kill one of them inside its first handle."""
        if self.killed:
            return
        self.killed = True
        self.wait()
        student, (first, second) = self.student, self.runs
        self.topic.spread(*self.events)
        step = student.moves(first, LONGEST)
        if not isinstance(step, Handle):
            return
        self.held = step.event
        theirs = [
            event for event in self.events if self._partition(event) != self._partition(self.held)
        ]
        while len(self.done) < len(theirs):
            step = student.moves(second, LONGEST)
            if not isinstance(step, Handle):
                return
            self.done.append(step.event)
            second.handled()
        self.shared = same(self.done, theirs)
        # Its commit may not be on its way when the group begins to look for who is there.
        student.comes(lambda: not self.topic.not_passed(self.done))
        first.kill()

    def _partition(self, event: Any) -> int:
        return self.topic.place(event)[0]


class StoodStill:
    """Two members: one stands still in its first event for longer than its session."""

    def __init__(self, student: Student, at_end: ExitStack, events: list[Any]) -> None:
        self.student = student
        self.events = events
        self.topic = student.new_topic(1)
        self.topic.put(0, *events)
        self._recorded = at_end.enter_context(student.service.recording())
        short = {
            "session_timeout_ms": SHORTEST_SESSION,
            "max_poll_interval_ms": SHORTEST_SESSION,
            **LIVELY,
        }
        self.runs = [student.consume(self.topic, settings=student.settings(**short))]
        self.step = student.step(self.runs[0])
        patient = student.settings(session_timeout_ms=SHORT_SESSION, **LIVELY)
        self.runs.append(student.again(self.topic, settings=patient))
        self._stopped = False

    @property
    def joins(self) -> int:
        """How often a member asked to join the group."""
        return len(self._recorded.requests("JoinGroup", group=self.topic.group))

    def stop(self) -> None:
        """Let nothing of it run, not even a thread: it sends no heartbeat.

        One that can be reached from here alone; of others the client itself finds that it did not
        poll for max.poll.interval.ms.
        """
        pid = self.runs[0].process.pid
        if pid and not self._stopped:
            self._stopped = True
            os.kill(pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it run again."""
        if self._stopped:
            self._stopped = False
            os.kill(self.runs[0].process.pid, signal.SIGCONT)


class Waits:
    """What goes on beside the tests, by name."""

    def __init__(self, beside: Any, starts: dict[str, Callable[..., Any]]) -> None:
        self._beside = beside
        self._starts = starts

    def begin(self) -> None:
        """Begin all of them, the first one first; go on with those that have come so far."""
        for name, start in self._starts.items():
            self._beside.begin(name, start)
        with suppress(Exception):  # the test that looks finds it too
            self.look("pair").go_on()
            killed = self.look("killed")
            if killed.together:
                killed.kill_one()
                self.look("stood still").stop()

    def gives_up(self, step: Step | None) -> bool:
        """Tell whether that step is the return of who takes a quiet moment for the end: 06.quiet's."""
        return isinstance(step, Returned) and isinstance(self.look("quiet").early, Returned)

    def look(self, name: str) -> Any:
        """What waits under that name.

        Raises:
            Exception: what happened when it was begun.
        """
        return self._beside.look(name, self._starts[name])[0]


@pytest.fixture
def waits(beside: Any, rng: random.Random) -> Waits:
    """What goes on beside the tests."""

    def on_its_own(make: Callable[..., Any], *more: Any) -> Callable[..., Any]:
        def start(consumer: Consumer, at_end: ExitStack) -> Any:
            service = beside.service("kafka")
            student = Student(service, consumer, topics(service, consumer), {})
            return make(student, at_end, *more)

        return start

    zones = [
        trip | {"pickup_zone": zone}
        for zone, trip in zip(ELSEWHERE, content.trips(rng, 8), strict=True)
    ]
    return Waits(
        beside,
        {
            "elsewhere": on_its_own(lambda student, _: Elsewhere(student, zones)),
            "replay": on_its_own(
                lambda student, at_end: SlowReplay(student, content.trips(rng, 6), at_end)
            ),
            "killed": on_its_own(
                lambda student, at_end: Killed(student, at_end, content.trips(rng, 4))
            ),
            "stood still": on_its_own(
                lambda student, at_end: StoodStill(student, at_end, content.trips(rng, 2))
            ),
            "pair": on_its_own(Pair),
            "quiet": on_its_own(lambda student, _: Quiet(student, content.trips(rng, 2))),
        },
    )


@pytest.fixture
def judge_twice(
    waits: Waits, student: Student, trips: Callable[..., list[Any]]
) -> Iterator[Callable[..., None]]:
    """`judge_twice(name, judge)`: judge what goes on under that name; where it went wrong, anew.

    On a machine that stands still for as long as a session, a member falls out of its group, which
    is no fault of its own.
    """
    with ExitStack() as at_end:
        anew: dict[str, Callable[[], Any]] = {
            "pair": lambda: Pair(student, at_end),
            "killed": lambda: Killed(student, at_end, trips(4)),
            "stood still": lambda: StoodStill(student, at_end, trips(2)),
        }

        def judge_it(name: str, judge: Callable[[Any], None]) -> None:
            try:
                judge(waits.look(name))
            except AssertionError:
                judge(anew[name]())

        yield judge_it


@pytest.fixture(autouse=True)
def waiting_begun(waits: Waits) -> None:
    """Begin what goes on beside the tests with the first of them."""
    waits.begin()
