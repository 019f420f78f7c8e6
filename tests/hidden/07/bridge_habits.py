"""What the student's functions do that more than one check would notice: one check tells."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from bridge_places import ANSWERS, PUBLISH, SENDS, Bridge
from bridge_queues import PATIENCE
from bridge_words import DEFAULT, batch

from grader.suite import Returned, leave_to
from grader.suite.content import value_of

LONG = 60
"""Seconds: a max_idle that no run reaches."""
AGAIN = 10.0
"""Seconds for another request after one that was refused; only a wrong submission waits so long."""


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

    @property
    def publishes_nothing(self) -> str:
        """How collect left events where they were, as a sentence; "" where it published any.

        Who moves nothing loses nothing: that proves no promise about what is moved.
        """
        _ = self.stores_early
        return self._known.get("no message", "")

    def killed_before_message(self, number: int) -> str:
        """What is lost when a message does not arrive, as a sentence; "" for nothing."""
        bridge = self._new_bridge()
        everything = self._trips(number + self._rng.randint(3, 5))
        bridge.file.append(*everything)
        with bridge.gate.stopped_before(PUBLISH, number=number) as halt:
            run = bridge.collect()
            run.process.case.given(f"the file held {len(everything)} events")
            if not bridge.runs_to(run, halt):
                if number == 1 and not bridge.held().everything:
                    self._known["no message"] = (
                        f"the file held {len(everything)} events: collect should publish them, and store "
                        f"no offset before; {bridge.said(bridge.last_step)}, and RabbitMQ got none of them"
                    )
                else:
                    bridge.leave_unpublished(everything, number)
                return ""
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

    @property
    def sends_nothing(self) -> str:
        """How forward left events where they were, as a sentence; "" where it sent any."""
        _ = self.forgets_early
        return self._known.get("no request", "")

    def killed_before_request(self, number: int) -> str:
        """The loss when a request to SQS does not arrive, as a sentence; "" for nothing.

        The first request is that of somebody who says no batch_size.
        """
        bridge = self._new_bridge()
        size, told = (DEFAULT, {}) if number == 1 else batch(self._rng, 2, 5)
        everything = self._trips((number + 1) * size)
        bridge.put(*everything)
        # RabbitMQ goes on meanwhile: what is acknowledged before the answer arrives there.
        with bridge.gate.stopped_before(*SENDS, number=number, alone=True) as halt:
            run = bridge.forward(max_idle=bridge.patient, **told)
            if not bridge.runs_to(run, halt):
                if number == 1 and not bridge.batches:
                    self._known["no request"] = (
                        f"{len(everything)} events were in the queue: forward should send them to SQS, and "
                        f"acknowledge none before; {bridge.said(bridge.last_step)}, and SQS got none of them"
                    )
                else:
                    leave_to("07.forwards", bridge.unsent(everything, f"request {number}"))
                return ""
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
        size, told = batch(self._rng, 3, 6)
        everything = self._trips(size)
        bridge.put(*everything)
        bridge.ask("DeleteQueue")
        with bridge.gate.stopped_before(*ANSWERS) as halt:
            run = bridge.forward(max_idle=LONG, **told)
            if not bridge.runs_to(run, halt):
                leave_to("07.forwards", bridge.unsent(everything, "a request"))
                return ""
        asked = len(bridge.batches)
        step = bridge.goes_on(run)
        scene = (
            f"{len(everything)} events were in the queue, and SQS refused the request, since it had no "
            "such queue"
        )
        deadline = time.monotonic() + AGAIN
        while step is None and len(bridge.batches) == asked and time.monotonic() < deadline:
            if not run.waiting(0.02):
                step = run.next()
        wanted = (
            f"{scene}: it should send them again, or raise, as long as max_idle, {LONG} s, has not "
            "passed"
        )
        if isinstance(step, Returned):
            return f"{wanted}; {bridge.said(step)}"
        if step is None and len(bridge.batches) == asked:
            bridge.kill_now(run)
            return f"{wanted}; for {AGAIN:g} s it did neither"
        if not run.over:
            bridge.kill_now(run)
        elif not bridge.rabbitmq.wait_closed(PATIENCE):
            leave_to(
                "07.stop",
                f"{scene}: it should close its connection; {bridge.said(step)}, and {PATIENCE:.0f} s later "
                "a connection was still open",
            )
            return ""
        bridge.wait_given_back()
        bridge.wait_ready(len(everything))
        left = [value_of(body) for body in bridge.bodies()]
        lost = [event for event in everything if event not in left]
        return (
            ""
            if not lost
            else (
                f"{scene}: nothing should be acknowledged; {bridge.these(lost, everything)} "
                f"{'is' if len(lost) == 1 else 'are'} no longer in the RabbitMQ queue"
            )
        )
