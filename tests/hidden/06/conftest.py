"""What the tests of exercise 06 share: a topic and a group as an onlooker sees them, and the student's functions.

Where a group begins that has committed nothing is 06.from-the-start's business: in every other
test an onlooker has committed the first offset of each partition before. A kill is judged by the
committed offsets, which no time-out has to end for.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
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
    Run,
    Step,
    settled,
)
from grader.suite.content import named

SESSION = 20_000
"""Milliseconds of a session that a member may not lose while a busy machine lets it wait."""
COMMITS = 20
"""Milliseconds between two commits of who leaves them to the client."""
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
            self._lengths[partition] += 1

    def spread(self, *events: Any) -> None:
        """Publish events by turns to the partitions."""
        for number in range(self.count):
            self.put(number, *events[number :: self.count])

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
        self._new_topic = new_topic
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
        topic = self._new_topic(1)
        topic.put(0, {"event_id": 1}, {"event_id": 2})
        run = self.consume(topic)
        if not isinstance(run.next(), Handle):
            return False
        early = self.comes(lambda: topic.committed[0] > 0, SOON / 4)
        run.kill()
        return early

    def _sees_another(self) -> bool:
        topic = self._new_topic(1)
        topic.put(0, *({"event_id": number} for number in range(3)))
        run = self.consume(topic, max_events=2)
        for _ in range(2):
            if not isinstance(run.next(), Handle):
                return False
            run.handled()
        run.next()
        return not self.comes(lambda: topic.committed[0] == 2, SOON / 4)


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
