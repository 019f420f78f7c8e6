"""A scene in which a group gets a member while another has events in hand, and loses it again.

The cluster takes a second less than a session for each of these changes, however soon all members
have joined again. So the scene goes on beside the tests, a little with each of them.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from kafka_members import Members
from kafka_student import LONGEST, Student

from grader.services.kafka.errors import ERRORS
from grader.suite import Handle, Raised, Returned, Step

_PARTITIONS = 2
"""Of the topic: one for each member."""
_BEFORE = 3
"""Events that the first one has handled when the second one comes: one of each partition, and more."""
_OF_SECOND = 3
"""Events after which the second one returns."""
_REST = 4
"""Events that are published when the second one handles its first."""
_A_WHILE = 0.5
"""Seconds in which a member that polls while it handles joins again."""
_A_MOMENT = 0.1
"""Seconds in which the cluster sees that a member which has polled joins again."""
_NOTHING = 7.5
"""Seconds in which neither does anything, a session besides; only a wrong submission waits so long."""
_NOTHING_BEFORE = 2.5
"""The same while the second one stands: it goes on then, and nothing has been decided."""


class Joined(Members):
    """Begins a member that handles a few events and stands in the next; a second one comes then.

    The first one goes on when it was told that the group changes; it may have events in hand which
    are to be the second one's. It stands again until the second one stands in its first event, and
    handles what is left of its own partition. Then the second one handles a few, and returns.
    """

    def __init__(
        self, student: Student, at_end: ExitStack, events: list[Any], times: int = 1
    ) -> None:
        """Begin both, and let the first one join again."""
        self.events = events
        self.of_second = _OF_SECOND
        """After how many events the second one returns."""
        self.seen: list[list[Any]] = [[], []]
        """What each of them has begun to handle, in order."""
        self.held: Any = None
        """What the first one stood in when the second one came."""
        self.of_the_other: list[Any] = []
        """What the first one handled of the second one's partition while that one stood."""
        self.again: list[Any] = []
        """What the first one handled of that which the second one had handled."""
        self.ends: list[Step] = []
        """What one of them did where it was to handle an event, or to wait for one."""
        self._stands = [False, False]
        """Which of them stand in an event."""
        self.is_free = False
        """Whether the second one goes on by itself."""
        self._since: float | None = None
        super().__init__(student, at_end, _PARTITIONS, times, max_events=_OF_SECOND)
        if self.held is not None:
            self._join_again()

    def prepare(self) -> None:
        """Publish an event of each partition."""
        self.topic.spread(*self.events[:_PARTITIONS])

    def began(self) -> None:
        """Let the first one handle a few events, and wait until it stands in the next."""
        for number in range(_BEFORE):
            if not self._moves(0, LONGEST):
                return
            if number == _PARTITIONS - 1:
                self._publish_more()
            self._go_on(0)
        if self._moves(0, LONGEST):
            self.held = self.seen[0][-1]
            self.student.comes(lambda: not self.topic.not_passed(self.seen[0][:-1]))

    def _publish_more(self) -> None:
        """Publish most of the events, and wait until the first one's client has fetched them."""
        asked = self._fetches
        self.topic.spread(*self.events[_PARTITIONS:-_REST])
        # One answer may have those of the first partition, the next one those of the others.
        self.student.comes(lambda: self._fetches > asked + _PARTITIONS)

    @property
    def _fetches(self) -> int:
        """Return how often the first one's client has asked for messages."""
        return sum(each.client == self.names[0] for each in self._recorded.requests("Fetch"))

    def _moves(self, number: int, seconds: float) -> bool:
        """Tell whether that one begins to handle an event within that time."""
        step = self.student.moves(self.runs[number], seconds)
        if isinstance(step, Handle):
            self.seen[number].append(step.event)
            self._stands[number] = True
            return True
        self.ends += [step] if step is not None else []
        if number == 1 and isinstance(step, Returned):
            self.living = self.names[:1]  # what comes of it now is its own affair
        return False

    def _go_on(self, number: int) -> None:
        self._stands[number] = False
        self.runs[number].handled()

    def _join_again(self) -> None:
        """Let the first one go on until it has joined again; it may stand in an event then."""
        first, second = self.runs
        joined = self._joins
        # One that assigns its partitions by itself is told nothing.
        self.student.comes(lambda: self._told or not second.waiting(0), self.patience)
        if self.student.comes(lambda: self._joins > joined, _A_WHILE):
            return  # it polls while it handles
        while self._stands[0]:
            self._go_on(0)
            self.student.comes(lambda: self._joins > joined or not first.waiting(0), LONGEST)
            has_joined = self.student.comes(lambda: self._joins > joined, _A_MOMENT)
            # What it has begun by now was its own.
            self._moves(0, 0)
            if has_joined:
                return

    @property
    def _told(self) -> bool:
        """Tell whether the first one was told that its group changes."""
        answers = self._recorded.answers("Heartbeat", group=self.topic.group)
        change = ERRORS["REBALANCE_IN_PROGRESS"]
        return any(each.client == self.names[0] and each.error == change for each in answers)

    @property
    def _joins(self) -> int:
        """Return how often the first one has asked to be a member."""
        asked = self._recorded.requests("JoinGroup", group=self.topic.group)
        return sum(each.client == self.names[0] for each in asked)

    # Beside the tests ---------------------------------------------------------------

    def go_on(self) -> bool:
        """Let both go on as far as they have come; tell whether one of them did something."""
        if self.held is None:
            return False
        moved = self._second_begins() if not self.is_free else self._moves(1, 0)
        if not self._may_first_go_on():
            return moved
        if self._stands[0]:
            self._go_on(0)
        while self._moves(0, _A_MOMENT / 10):
            moved = True
            self._look_at(self.seen[0][-1])
            self._go_on(0)
        if self._stands[1] and not self.is_free and not self._own_left:
            self.let_second_go_on()
        return moved

    def _second_begins(self) -> bool:
        """Tell whether the second one has begun its first event just now."""
        if self._stands[1] or not self._moves(1, 0):
            return False
        self.topic.spread(*self.events[-_REST:])
        return True

    def _may_first_go_on(self) -> bool:
        """Tell whether the second one stands, or has had time to since it was given partitions.

        It may have been given none: the groups of some clients change in two steps.
        """
        if self._stands[1]:
            return True
        if self._since is None and self._given(self.names[1]):
            self._since = time.monotonic()
        return self._since is not None and time.monotonic() - self._since >= 2 * _A_WHILE

    def _look_at(self, event: Any) -> None:
        """Keep what the first one should not have begun."""
        if self.is_free:
            if event in self.seen[1] and not self._refused(self.names[1]):
                self.again.append(event)
        elif self._stands[1] and self._partition(event) == self._partition(self.seen[1][0]):
            self.of_the_other.append(event)

    @property
    def _own_left(self) -> list[Any]:
        """Return what the first one has not handled of its own partition."""
        theirs = self._partition(self.seen[1][0])
        return [
            event
            for event in self.events
            if event not in self.seen[0] and self._partition(event) != theirs
        ]

    def _partition(self, event: Any) -> int:
        return self.topic.place(event)[0]

    def let_second_go_on(self) -> None:
        """Let the second one handle what comes, without being waited for."""
        self.is_free = True
        self.runs[1].set_at_liberty()

    # When the test looks --------------------------------------------------------------

    def play(self) -> None:
        """Go on until each event was handled, or the first one has ended, or nothing comes."""
        first, _ = self.runs
        self.student.comes(lambda: first.over or self._may_first_go_on(), self.patience)
        last = time.monotonic()
        # A group that changes waits for most of a session.
        nothing, before = (each + self.session / 1000 for each in (_NOTHING, _NOTHING_BEFORE))
        while self.missing and not first.over:
            if self.go_on():
                last = time.monotonic()
            elif time.monotonic() - last > (nothing if self.is_free else before):
                if self.is_free or not self._stands[1]:
                    return
                self.let_second_go_on()
                last = time.monotonic()

    @property
    def missing(self) -> list[Any]:
        """Return the events that neither has handled."""
        return [event for event in self.events if event not in self.seen[0] + self.seen[1]]

    @property
    def may_end(self) -> bool:
        """Tell whether a commit was refused, and one raised then, or the first one did nothing more.

        It may raise. It may be in its close(), too, where the client waits now and then.
        """
        went_on = len(self.seen[0]) > _BEFORE + 1
        return self._refused(*self.names) and (
            not went_on or any(isinstance(step, Raised) for step in self.ends)
        )

    def _refused(self, *names: str) -> bool:
        """Tell whether a commit of one of them was refused: what it was for may come again."""
        answers = self._recorded.answers("OffsetCommit", group=self.topic.group)
        return any(each.error and each.client in names for each in answers)
