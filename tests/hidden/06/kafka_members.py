"""Two members of one group, as scenes that go on beside the tests.

A group that gets a new member, or loses one, waits for all others to join again, for a second less
than their session. So sessions are short here, and a machine that stands still for as long as one
throws members out that did nothing wrong. Such a scene is disturbed: it is played anew, with longer
sessions.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from kafka_student import LONGEST, LOOKS, POLLS, Student

from grader.services.kafka.watch import Answered
from grader.suite import Failed, Handle, Ready, Run, Step
from grader.suite.steps import in_words

SESSION = 2500
"""Milliseconds of one whose group waits for its members."""
_THROWN_OUT = (22, 25)
"""Errors of Kafka's protocol: ILLEGAL_GENERATION and UNKNOWN_MEMBER_ID."""
_SESSIONS = 4
"""How many of them may pass until a member is given partitions: it comes to a group that waits for
others, or for one that is dead."""


class Members:
    """Begins a group of two, the second of which comes later."""

    def __init__(
        self,
        student: Student,
        at_end: ExitStack,
        partitions: int,
        times: int = 1,
        *,
        tells: bool = False,
        max_events: int = 1000,
    ) -> None:
        """Begin both.

        Args:
            student: whose functions they call.
            at_end: what happens there ends the scene.
            partitions: of their topic.
            times: how much longer than the shortest sessions theirs are.
            tells: whether they get a `ready` of the suite's.
            max_events: of the second one.
        """
        self.student = student
        self.names = student.namer(), student.namer()
        """What the members call themselves (`client.id`)."""
        self.living = self.names
        """Who is to stay in the group; who is dead is told nothing."""
        self.topic = student.new_topic(partitions)
        self.session = SESSION * times
        self.patience = LONGEST + _SESSIONS * self.session / 1000
        """Seconds; only a wrong submission waits so long."""
        self._tells = tells
        self._recorded = at_end.enter_context(student.service.recording())
        self.runs: list[Run] = []
        self.prepare()
        self.runs = [
            student.consume(self.topic, tells=tells, settings=self.settings(self.names[0]))
        ]
        self.began()
        self.runs.append(
            student.again(
                self.topic,
                max_events=max_events,
                tells=tells,
                settings=self.settings(self.names[1]),
            )
        )

    def settings(self, name: str) -> dict[str, Any]:
        """Return the settings of the member of that name."""
        return self.student.settings(
            session_timeout_ms=self.session,
            client_id=name,
            statistics_interval_ms=LOOKS,
            max_poll_interval_ms=POLLS[0],
        )

    def prepare(self) -> None:
        """Set up what is to be there before the first one begins."""

    def began(self) -> None:
        """Wait for the first one, before the second one begins; no longer than it waits itself."""
        self.student.comes(lambda: self.given or not self.runs[0].waiting(0), self.patience)

    # What the cluster said ----------------------------------------------------------

    @property
    def given(self) -> bool:
        """Tell whether a member has been given partitions."""
        return bool(self._generations)

    @property
    def together(self) -> bool:
        """Tell whether both were members when partitions were given last."""
        found = self._generations
        return bool(found) and found.count(max(found)) > 1

    @property
    def _generations(self) -> list[int]:
        """Return the generations of the group, one for each time that a member was given partitions.

        Requests do not tell: a group may be made anew before all of it were given theirs.
        """
        return [each.generation for each in self._given()]

    def _given(self, name: str = "") -> list[Answered]:
        """Return the answers by which the member of that name, or any, was given partitions."""
        answers = self._recorded.answers("SyncGroup", group=self.topic.group)
        return [each for each in answers if not each.error and name in ("", each.client)]

    @property
    def disturbed(self) -> bool:
        """Tell whether a member that lived, and asked in time, was thrown out or got no answer."""
        return any(map(self._was_lost, self.living))

    def _was_lost(self, name: str) -> bool:
        group = self.topic.group
        told = self._recorded.answers("Heartbeat", "SyncGroup", "OffsetCommit", group=group)
        if any(each.client == name and each.error in _THROWN_OUT for each in told):
            return True
        joins = [e for e in self._recorded.requests("JoinGroup", group=group) if e.client == name]
        answers = self._recorded.answers("JoinGroup", group=group)
        answered = sum(each.client == name for each in answers)
        late = time.monotonic() - self.session / 1000
        return len(joins) > answered and joins[-1].at < late

    def wait(self) -> None:
        """Wait until both are there, or one has ended."""
        self.student.comes(lambda: self.together or any(r.over for r in self.runs), self.patience)


class Pair(Members):
    """Begins two members that say when they are ready, and then may handle what comes."""

    def __init__(
        self, student: Student, at_end: ExitStack, events: list[Any], times: int = 1
    ) -> None:
        """Begin both; the events are one of each partition."""
        self._one_of_each = events
        self.ready: list[Step | None] = []
        """What each of them did first."""
        self.early = False
        """Whether the first one was ready before it had been given partitions."""
        super().__init__(student, at_end, 2, times, tells=True)

    def began(self) -> None:
        """Wait until the first one is ready, or should be."""
        run = self.runs[0]
        self.student.comes(lambda: self.given or not run.waiting(0), self.patience)
        self.early = not self.given
        self._look(LONGEST)
        if isinstance(self.ready[0], Ready):
            self._handles_one_of_each()

    def _handles_one_of_each(self) -> None:
        """Let it handle an event of each partition, and commit that."""
        student, topic = self.student, self.topic
        topic.spread(*self._one_of_each)
        for _ in topic.everything:
            if not isinstance(student.moves(self.runs[0], LONGEST), Handle):
                return
        student.comes(lambda: not topic.not_passed(topic.everything))

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
        """Judge that each of them said that it is ready when it had been given partitions.

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
        if not self.given:
            raise Failed(
                f"a member of the group {self.topic.group!r} began; nobody joined a group of that "
                "name"
            )
        if self.early:
            raise Failed(
                "a member of a group began; it called ready() before the group had given it "
                "partitions"
            )
