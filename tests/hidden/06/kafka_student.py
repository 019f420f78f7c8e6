"""The student's functions of exercise 06, and what a test asks about a submission."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kafka_names import Namer, namer
from kafka_topic import Topic

from grader.report import Kind
from grader.services.kafka.service import KafkaService
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
from grader.suite.steps import in_words

SESSIONS = range(15_000, 30_000)
"""Milliseconds of a session that a member may not lose while a busy machine lets it wait."""
SHORT_SESSIONS = range(1500, 30_000)
"""The same where nobody is to be a member."""
POLLS = range(60_000, 300_000)
"""Milliseconds that may lie between two polls (`max.poll.interval.ms`)."""
LOOKS = 100
"""By itself a client looks once a second what its group does; who counts for it looks as often."""
DEEP = 44
"""Events that are handled to find out whether one is committed early."""
MANY = 1000
"""Refusals, of which no more are answered than the test waits for."""
COMMITS = 20
"""Milliseconds between two commits of who leaves them to the client."""
LONGEST = 10.0
"""Seconds; only a wrong submission waits so long."""
SOON = 2.0
"""Seconds for a commit to arrive that was sent, and not waited for."""


@dataclass
class Found:
    """What the tests found out about the submission."""

    answers: dict[str, bool] = field(default_factory=dict)
    """By the names of the questions."""
    groups: dict[str, KafkaService] = field(default_factory=dict)
    """The groups in whose names an event was handled, and where."""

    @property
    def strangers(self) -> list[str]:
        """Return those groups that nobody has asked to be a member of."""
        return [group for group, service in self.groups.items() if group not in service.joined]


class Student:
    """Calls the student's functions, and finds out what a test must know of a submission."""

    def __init__(
        self,
        service: KafkaService,
        consumer: Consumer,
        new_topic: Callable[..., Topic],
        found: Found,
        rng: random.Random,
    ) -> None:
        self.service = service
        self._consumer = consumer
        self.new_topic = new_topic
        self._found = found.answers
        self._groups = found.groups
        self._group_of: dict[int, tuple[str, Run]] = {}
        """By the id of its run, which is kept so that no other one gets it."""
        self._rng = rng
        self.namer: Namer = namer(rng)

    def settings(self, sessions: range = SESSIONS, **more: Any) -> dict[str, Any]:
        """Return the settings that a test hands over; with underscores for dots."""
        rng = self._rng
        usual = {
            "session_timeout_ms": rng.choice(sessions),
            "heartbeat_interval_ms": 100,
            "auto_commit_interval_ms": COMMITS,
            "fetch_error_backoff_ms": 20,
            "retry_backoff_ms": 20,
        }
        if rng.randrange(2):
            usual |= {
                "client_id": self.namer(),
                "statistics_interval_ms": LOOKS,
                "max_poll_interval_ms": rng.choice(POLLS),
            }
        return self.service.settings(**(usual | more))

    def process(self) -> Process:
        """Return a new process."""
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
        run = (process or self.process()).start(
            "kafka_log.kafka_consumer",
            self.settings() if settings is None else settings,
            topic.name,
            topic.group,
            HANDLE,
            max_events=max_events,
            **({"ready": READY} if tells else {}),
        )
        self._group_of[id(run)] = topic.group, run
        return run

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
        """Call lag and return what it returns."""
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
        """Return the next step that is not a ready()."""
        while isinstance(step := run.next(), Ready):
            run.go_on()
        self._look(run, step)
        return step

    def _look(self, run: Run, step: Step) -> None:
        """Keep the group in whose name an event is handled."""
        if isinstance(step, Handle) and id(run) in self._group_of:
            self._groups.setdefault(self._group_of[id(run)][0], self.service)

    def moves(self, run: Run, seconds: float) -> Step | None:
        """Return the next step that is not a ready(), or None where none comes within that time."""
        deadline = time.monotonic() + seconds
        while not run.over and not run.waiting(max(0.0, deadline - time.monotonic())):
            step = run.next()
            if not isinstance(step, Ready):
                self._look(run, step)
                return step
            run.go_on()
        return None

    def first_events(
        self,
        run: Run,
        count: int,
        scene: str,
        judge: Callable[[list[Any]], object] = lambda _: None,
    ) -> list[Any]:
        """Return so many events, or those that it handled before it ended.

        It stands in handle() of the last of so many. Where it hangs, `judge` gets what it handled
        first: who passed an event over waits for one that never comes.

        Raises:
            Failed: it did neither, or ended otherwise than by a return.
        """
        seen: list[Any] = []
        while len(seen) < count:
            try:
                step = self.step(run)
            except Failed as failure:
                if failure.kind == Kind.HUNG:
                    judge(seen)
                raise
            if isinstance(step, Returned):
                break
            if not isinstance(step, Handle):
                raise Failed(f"{scene}; {in_words(step, 'it')}")
            seen.append(step.event)
            if len(seen) < count:
                run.handled()
        return seen

    def end(self, run: Run) -> Step | None:
        """Let the last event be handled; return what it does then, or None where that is nothing.

        That it returns, and what, is 06.stops' business.
        """
        run.handled()
        # Who is known not to end gets no time.
        step = self.moves(run, LONGEST if self._found.get("ends", True) else SOON)
        if step is None:
            self._found["ends"] = False
        return step

    def comes(self, condition: Callable[[], object], seconds: float = SOON) -> bool:
        """Tell whether it holds within that time."""
        return not settled(lambda: [] if condition() else [1], seconds)

    def judge_settings(self, process: Process, settings: dict[str, Any], function: str) -> None:
        """Judge that the dict which the process keeps as "settings" is as it was.

        Raises:
            Failed: it is not.
        """
        now = process.call("worker.calls.keep", Kept("settings"))
        if now == settings:
            return
        added = [name for name in now if name not in settings] if isinstance(now, dict) else []
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

    @property
    def handles(self) -> bool:
        """Tell whether it handles any event of a topic: who handles none has nothing to lose."""
        return self._once("handles", self._sees_handle)

    @property
    def ends(self) -> bool:
        """Tell whether it returns when max_events were handled: 06.stops'."""
        return self._once("ends", self._sees_end)

    @property
    def publishes(self) -> bool:
        """Tell whether anything ever comes of publish_events, if more is published than a queue takes.

        Who does not wait for the broker may have sent nothing of a few events.
        """
        return self._once("publishes", self._sees_messages)

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
        while not early and len(handled) < DEEP:
            if not isinstance(step := run.next(), Handle):
                return False
            seconds = SOON if len(handled) < 2 else 0
            early = self.comes(lambda: topic.passed(handled), seconds)
            handled.append(step.event)
            run.handled()
        run.kill()
        return early

    def _sees_another(self) -> bool:
        # A few of two partitions, one of which is ahead: whatever comes first, the other one follows.
        topic = self.new_topic(2)
        events = content.trips(self._rng, 12)
        topic.spread(*events)
        begun = [event for event in events if topic.place(event) < (0, 3)]
        run = self.consume(topic, at={0: 3, 1: 0}, max_events=len(events) - len(begun))
        passed = list(begun)
        while len(passed) < len(events) and isinstance(step := run.next(), Handle):
            if not self.comes(lambda: not topic.not_passed(passed)):
                run.kill()
                return True
            passed.append(step.event)
            run.handled()
        another = not self.comes(lambda: not topic.not_passed(passed))
        run.kill()
        return another

    def _sees_handle(self) -> bool:
        _, run = self._probe()
        handles = isinstance(run.next(), Handle)
        run.kill()
        return handles

    def _sees_end(self) -> bool:
        _, run = self._probe(max_events=2)
        for _ in range(2):
            if not isinstance(run.next(), Handle):
                return False
            run.handled()
        return isinstance(self.moves(run, SOON), Returned)

    def _sees_messages(self) -> bool:
        topic = self.new_topic(1)
        events = content.trips(self._rng, 200)
        run = self.publish(topic, events, settings=self.settings(queue_buffering_max_messages=20))
        return not isinstance(run.next(), Returned) or self.comes(lambda: topic.messages)

    def _probe(self, **options: Any) -> tuple[Topic, Run]:
        topic = self.new_topic(2)
        topic.spread(*content.trips(self._rng, DEEP + 2))
        return topic, self.consume(topic, **options)
