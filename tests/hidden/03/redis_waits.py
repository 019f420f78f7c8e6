"""Consumers of Redis that wait beside the tests of exercise 03."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import Any

from broker_words import PATIENCE
from redis_channel import SUBSCRIBES, Channel

from grader.suite import Failed, Handle, Ready, Step, leave_to
from grader.suite.steps import cut, in_words


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
            self._is_none_of_its_channel(step.event)
            self.run.run.handled()
        return step

    def _is_none_of_its_channel(self, event: Any) -> None:
        """Leave to another check that it handled what was not published there."""
        leave_to(
            "03.redis-delivers",
            f"nothing but trips was published on its channel; it handled {cut(event, 120)}",
        )

    def take(self, event: Any, when: str) -> None:
        """The next event of its channel is that one; it succeeds."""
        self.run.run.process.case.given(when)
        while (seen := self.run.event()) not in self.everything:
            self._is_none_of_its_channel(seen)
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
