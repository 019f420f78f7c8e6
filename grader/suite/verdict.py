"""The verdicts of a submission's tests, and which of them speaks for a check."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from grader.report import Kind, Outcome
from grader.suite.outcomes import LeftTo

_GRAVEST_FIRST = (
    Outcome.FAILED,
    Outcome.ERROR,
    Outcome.NOT_GRADED,
    Outcome.SKIPPED,
    Outcome.PASSED,
)


@dataclass(frozen=True)
class Verdict:
    """The outcome of one test."""

    outcome: Outcome
    message: str
    seconds: float
    log: tuple[dict[str, Any], ...]
    kind: Kind
    line: int
    leans_on: str
    """The id of a check of which the test takes for granted that it passes."""
    printed: str
    again: bool = False
    own_service: bool = False
    left_to: tuple[LeftTo, ...] = ()
    """The faults that it left to other checks."""


class Verdicts:
    """Those of one submission, by check."""

    def __init__(self) -> None:
        self._of: dict[str, list[Verdict]] = defaultdict(list)

    def add(self, check_id: str, verdict: Verdict) -> None:
        """Add what became of one more test of a check."""
        self._of[check_id].append(verdict)

    def seconds(self, check_id: str) -> float:
        """Return how long the tests of a check took."""
        return sum(verdict.seconds for verdict in self._of[check_id])

    def gravest(self, check_id: str) -> Verdict | None:
        """Return the verdict that is the check's; None when no test of it has run."""
        verdicts = [self._with_excuses(each) for each in self._of[check_id]]
        for outcome in _GRAVEST_FIRST:
            if found := [each for each in verdicts if each.outcome is outcome]:
                return min(found, key=self._rank)
        return None

    def unfounded(self, check_id: str) -> frozenset[str]:
        """Return the checks to which tests of this one left a fault, and which found none."""
        every = (left.check for each in self._of[check_id] for left in each.left_to)
        return frozenset(other for other in every if self._all_pass(other))

    def _with_excuses(self, verdict: Verdict) -> Verdict:
        """Return the failure that a test left to a check which found none; else its verdict."""
        if verdict.outcome is Outcome.PASSED:
            for left in verdict.left_to:
                if self._all_pass(left.check):
                    return replace(verdict, outcome=Outcome.FAILED, message=left.sentence)
        return verdict

    def _all_pass(self, check_id: str) -> bool:
        """Tell whether tests of the check have run, and each has passed."""
        of = self._of.get(check_id, [])
        return bool(of) and all(each.outcome is Outcome.PASSED for each in of)

    def decided(self, check_id: str) -> bool:
        """Tell whether the other tests of the check need not run: they could say nothing more.

        What hangs once may hang in each of them, which costs the submission's time.
        """
        failed = [each for each in self._of[check_id] if each.outcome is Outcome.FAILED]
        return any(each.kind is Kind.HUNG or not any(self._rank(each)[:2]) for each in failed)

    def follows(self, verdict: Verdict) -> bool:
        """Tell whether a failure may only follow from that of a check that its test leans on."""
        failed = verdict.outcome is Outcome.FAILED and verdict.kind is not Kind.NOT_FILLED_IN
        others = self._of.get(verdict.leans_on, ())
        return failed and any(other.outcome is Outcome.FAILED for other in others)

    def _rank(self, verdict: Verdict) -> tuple[bool, bool, int]:
        """Put a failure with a reason of its own first, then what is filled in, then by line."""
        unwritten = verdict.kind is Kind.NOT_FILLED_IN
        return self.follows(verdict), unwritten, verdict.line if unwritten else 0
