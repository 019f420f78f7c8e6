"""Another look at what a busy machine may have caused: the same scene, with a longer max_idle."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, NoReturn

from grader.report import Kind
from grader.services.sqs.service import SqsService
from grader.suite import Failed, leave_to

_LONGER = 1.2
"""Factor of a longer max_idle, for each second that a step may take."""
_LONGEST = 0.4
"""Share of a step's time."""
_HELD = 0.15
"""Seconds until the end: less than each max_idle, and more than it takes to read what has come."""
_CAME = ("basic.deliver", "basic.get-ok")
_DONE = ("SendMessage", "basic.ack", "basic.reject", "basic.nack")
"""Words of a log for what a program does with a message."""


class LeftError(AssertionError):
    """A fault was seen that is another check's."""

    def __init__(self, check_id: str, sentence: str) -> None:
        super().__init__(sentence)
        self.check_id = check_id
        self.sentence = sentence


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

    def leave_to(self, check_id: str, sentence: str) -> NoReturn:
        """Leave to another check what a busy machine may have caused, if it is seen again."""
        raise LeftError(check_id, sentence)

    def begin_again(self, *, longer: bool) -> None:
        """Begin again, with a queue of SQS that refuses nothing."""
        if longer:
            self.factor = _LONGER * self._seconds
        self._sqs.clear_requests()
        self._sqs.fail_batch_entries(None)


def kept_in_hand(entries: list[dict[str, Any]]) -> bool:
    """Tell whether messages had come to the program, and it kept them until it ended.

    So says the log of a test. What comes late, or never, on a busy machine is something else.
    """
    crossed = [each for each in entries if each["who"] != "suite"]
    came = done = 0.0
    for each in crossed:
        if any(name in each["what"] for name in _CAME):
            came = each["at"]
        elif any(name in each["what"] for name in _DONE):
            done = each["at"]
    return came > done and crossed[-1]["at"] - came >= _HELD


def with_patience(test: Callable[..., None]) -> Callable[..., None]:
    """Make a failed test once more, with the same draws and a longer max_idle; that counts.

    Every call of forward ends with that wait, so it is short. Where the machine is busy, RabbitMQ or
    SQS takes longer than that for what comes next, and right code returns without it. A program that
    had messages in hand all the time has to show twice that it keeps them, with the short wait.
    """
    own = inspect.signature(test)
    needed = ("new_bridge", "consumer", "rng", "patience")

    @functools.wraps(test)
    def twice(**given: Any) -> None:
        asked = {name: given[name] for name in own.parameters}
        draws = given["rng"].getstate()
        kept = 0
        while True:
            try:
                test(**asked)
            except AssertionError as error:
                if isinstance(error, Failed) and error.kind is not Kind.UNMET:
                    raise
                held = kept_in_hand(given["consumer"].log.entries)
                kept += held
                if given["patience"].factor > 1 or kept > 1:
                    if not isinstance(error, LeftError):
                        raise
                    leave_to(error.check_id, error.sentence)
                    return
            else:
                return
            given["patience"].begin_again(longer=not held)
            given["consumer"].log.begin_again()
            if "bridge" in asked:
                asked["bridge"] = given["new_bridge"]()
            given["rng"].setstate(draws)

    names = dict.fromkeys((*own.parameters, *needed))
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    twice.__signature__ = inspect.Signature([inspect.Parameter(each, kind) for each in names])  # type: ignore[attr-defined]
    return twice
