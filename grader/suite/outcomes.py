"""How a test of a suite says what became of it."""

from __future__ import annotations

from typing import NoReturn


class Failed(AssertionError):  # noqa: N818 - the field's word
    """The student's code did not keep the promise; the message is for the student."""


class Unusable(Failed):
    """The code could not be run at all; a hint about the check's behaviour would not help."""


class Hangs(Failed):
    """It did nothing for as long as course.toml allows."""


class OutOfTime(Failed):
    """All checks together took longer than course.toml allows."""


class OverBudget(Failed):
    """The judge's own process used more for it than course.toml allows."""


class NotGraded(Exception):  # noqa: N818 - an outcome, not an error
    """The machine lacks what the check needs; says how to get it."""


def not_graded(reason: str) -> NoReturn:
    """End the test without a verdict.

    Raises:
        NotGraded: always.
    """
    raise NotGraded(reason)
