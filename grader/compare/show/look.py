"""The numbers that a statement about the techniques needs."""

from __future__ import annotations

from grader.compare.result import Column, Comparison, Crash, Pair
from grader.compare.techniques.catalog import techniques_in

EVEN = 0.25
"""A share counts as shared when the smaller part is at least this much of the larger one."""


class MissingError(Exception):
    """A number that the statement needs was not measured."""


class ForeignError(Exception):
    """The statement is about a technique that the comparison's course does not have."""


class Look:
    """The columns of the subject's consumers, by technique; raises for what is missing."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self._known = {each.id for each in techniques_in(comparison)}

    def __call__(self, technique: str) -> Column:
        """Return the technique's column."""
        if technique not in self._known:
            raise ForeignError
        column = self.comparison.column(technique, self.comparison.subject)
        if column is None:
            raise MissingError
        return column

    def median(self, technique: str) -> float:
        """Return the median latency, in milliseconds."""
        found = self(technique).latency
        if found is None:
            raise MissingError
        return found.p50

    def per_second(self, technique: str) -> float:
        """Return events a second at full speed."""
        found = self(technique).throughput
        if found is None:
            raise MissingError
        return found.per_second

    def requests(self, technique: str) -> float:
        """Return the requests a minute while idle."""
        found = self(technique).idle
        if found is None:
            raise MissingError
        return found.requests

    def kept(self, technique: str) -> float:
        """Return the share of what was sent while the consumer was away that came later."""
        found = self(technique).away
        if found is None or not found.sent_meanwhile:
            raise MissingError
        return found.arrived_later / found.sent_meanwhile

    def lost(self, technique: str) -> int:
        """Return the events lost in the crash."""
        found = self(technique).crash
        if found is None:
            raise MissingError
        return found.lost

    def twice(self, technique: str) -> int:
        """Return the events handled twice in the crash."""
        found = self(technique).crash
        if found is None:
            raise MissingError
        return found.twice

    def between(self, technique: str) -> Crash:
        """Return what a kill between `handle` and the acknowledgement does."""
        found = self(technique).between
        if found is None:
            raise MissingError
        return found

    def kind(self, technique: str) -> str:
        """Return what two consumers get; a share that is far from even is none."""
        return _kind(self(technique).pair)

    def services(self, technique: str) -> str:
        """Return what two services get; a share that is far from even is none."""
        return _kind(self(technique).services)

    def read_again(self, technique: str) -> float:
        """Return the share of what was handled that a service which begins later gets."""
        found = self(technique).replay
        if found is None or not found.handled:
            raise MissingError
        return found.again / found.handled


def _kind(found: Pair | None) -> str:
    if found is None:
        raise MissingError
    if found.evenness is not None and found.evenness < EVEN:
        return "uneven"
    return found.kind
