"""How a test of a suite says what became of it."""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from grader.report import Kind
from grader.suite.place import CodePlace


class Failed(AssertionError):  # noqa: N818 - the field's word
    """The student's code did not keep the promise; the message is for the student."""

    def __init__(self, message: str, kind: Kind = Kind.UNMET, *, line: int = 0) -> None:
        super().__init__(message)
        self.kind = kind
        self.line = line
        """Of the student's code, where the failure lies in one; 0 where it is not known."""


class Unusable(Failed):
    """The code could not be run at all."""

    def __init__(self, message: str, kind: Kind = Kind.NOT_IMPORTABLE, *, line: int = 0) -> None:
        super().__init__(message, kind, line=line)


class Hangs(Failed):
    """It did nothing for as long as course.toml allows."""

    def __init__(self, message: str, place: CodePlace | None = None) -> None:
        super().__init__(message, Kind.HUNG, line=place.line if place else 0)
        self.place = place
        """Where it stood, where that is known."""


class OutOfTime(Failed):
    """All checks together took longer than course.toml allows."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Kind.HUNG)


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


class LeftTo(NamedTuple):
    """A fault that a test saw and left to another check, so that one mistake costs one check."""

    check: str
    """The other check's id."""
    sentence: str
    """The failure, where the other check finds nothing."""


_left: list[LeftTo] = []
"""By the test that runs now; tests run one at a time."""


def leave_to(check_id: str, sentence: str) -> None:
    """Leave what was seen to another check, whose fault it is; the test goes on, or returns.

    Where every test of that check passes in the same run, this test has failed with `sentence`: an
    excuse that nobody honours would be a way round both.
    """
    _left.append(LeftTo(check_id, sentence))


def take_left() -> tuple[LeftTo, ...]:
    """Return what the test has left to others, and forget it."""
    found = tuple(_left)
    _left.clear()
    return found
