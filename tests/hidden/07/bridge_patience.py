"""Another look at what a busy machine may have caused: the same scene, with a longer max_idle."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from grader.report import Kind
from grader.services.sqs.service import SqsService
from grader.suite import Failed, leave_to

_LONGER = 1.2
"""Factor of a longer max_idle, for each second that a step may take."""
_LONGEST = 0.4
"""Share of a step's time."""


class Patience:
    """How long a test has forward wait; never as long as a step may take.

    Args:
        sqs: what a test has made refuse messages.
        seconds: how long a step may take.
    """

    def __init__(self, sqs: SqsService, seconds: float) -> None:
        self.factor = 1.0
        """By what each max_idle is multiplied."""
        self.longest = _LONGEST * seconds
        """Seconds of a max_idle, at most."""
        self._sqs = sqs
        self._seconds = seconds

    def leave_to(self, check_id: str, sentence: str) -> None:
        """Leave to another check what a busy machine may have caused, once it is seen again."""
        if self.factor == 1:
            raise AssertionError(sentence)
        leave_to(check_id, sentence)

    def grow(self) -> None:
        """Begin again with more of it, and a queue of SQS that refuses nothing."""
        self.factor = _LONGER * self._seconds
        self._sqs.clear_requests()
        self._sqs.fail_batch_entries(None)


def with_patience(test: Callable[..., None]) -> Callable[..., None]:
    """Make a failed test once more, with the same draws and a longer max_idle; that counts.

    Every call of forward ends with that wait, so it is short. Where the machine is busy, RabbitMQ or
    SQS takes longer than that for what comes next, and right code returns without it.
    """
    own = inspect.signature(test)
    needed = ("new_bridge", "consumer", "rng", "patience")

    @functools.wraps(test)
    def twice(**given: Any) -> None:
        asked = {name: given[name] for name in own.parameters}
        draws = given["rng"].getstate()
        try:
            test(**asked)
        except AssertionError as error:
            if isinstance(error, Failed) and error.kind is not Kind.UNMET:
                raise
        else:
            return
        given["patience"].grow()
        given["consumer"].log.begin_again()
        if "bridge" in asked:
            asked["bridge"] = given["new_bridge"]()
        given["rng"].setstate(draws)
        test(**asked)

    names = dict.fromkeys((*own.parameters, *needed))
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    twice.__signature__ = inspect.Signature([inspect.Parameter(each, kind) for each in names])  # type: ignore[attr-defined]
    return twice
