"""What the lessons say of the techniques, held against the numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from grader.compare.result import Column, Comparison

EVEN = 0.25
"""A share counts as shared when the smaller part is at least this much of the larger one."""


class _MissingError(Exception):
    """A number that the statement needs was not measured."""


class _Look:
    """The columns of the subject's consumers, by technique; raises for what is missing."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison

    def __call__(self, technique: str) -> Column:
        column = self.comparison.column(technique, self.comparison.subject)
        if column is None:
            raise _MissingError
        return column

    def median(self, technique: str) -> float:
        """Return the median latency, in milliseconds."""
        found = self(technique).latency
        if found is None:
            raise _MissingError
        return found.p50

    def per_second(self, technique: str) -> float:
        """Events a second at full speed."""
        found = self(technique).throughput
        if found is None:
            raise _MissingError
        return found.per_second

    def requests(self, technique: str) -> float:
        """Return the requests a minute while idle."""
        found = self(technique).idle
        if found is None:
            raise _MissingError
        return found.requests

    def kept(self, technique: str) -> float:
        """Return the share of what was sent while the consumer was away that came later."""
        found = self(technique).away
        if found is None or not found.sent_meanwhile:
            raise _MissingError
        return found.arrived_later / found.sent_meanwhile

    def lost(self, technique: str) -> int:
        """Events lost in the crash."""
        found = self(technique).crash
        if found is None:
            raise _MissingError
        return found.lost

    def kind(self, technique: str) -> str:
        """Return what two consumers get; a share that is far from even is none."""
        found = self(technique).pair
        if found is None:
            raise _MissingError
        if found.evenness is not None and found.evenness < EVEN:
            return "uneven"
        return found.kind


@dataclass(frozen=True)
class Ordering:
    """A sentence of the lessons, and whether the numbers bear it out."""

    sentence: str
    test: Callable[[_Look], bool]

    def holds(self, comparison: Comparison) -> bool | None:
        """None when a number that it needs was not measured."""
        try:
            return self.test(_Look(comparison))
        except _MissingError:
            return None


def _intervals_grow(look: _Look) -> bool:
    others = [found.p50 for _, found in sorted(look.comparison.by_interval.items())]
    medians = [look.median("polling"), *others]
    return bool(others) and medians == sorted(medians)


def _long_polls_ask_less(look: _Look) -> bool:
    short = look.comparison.short_poll
    if short is None:
        raise _MissingError
    return look.requests("sqs") < short.requests / 10


def _restart_loses_nothing(look: _Look) -> bool:
    found = look("rabbitmq").restart
    if found is None:
        raise _MissingError
    return found.lost == 0


_PUSHED = ("tail", "socket", "redis", "rabbitmq")

ORDERINGS = (
    Ordering(
        "What is pushed arrives sooner than what is polled for",
        lambda look: max(look.median(each) for each in _PUSHED) < look.median("polling"),
    ),
    Ordering("A longer poll interval means a longer wait", _intervals_grow),
    Ordering(
        "A pipe or a socket on one machine is faster than a broker that keeps messages",
        lambda look: (
            max(look.median(each) for each in ("tail", "socket"))
            < min(look.median(each) for each in ("rabbitmq", "sqs"))
        ),
    ),
    Ordering(
        "RabbitMQ, one connection away, answers sooner than SQS, one request away",
        lambda look: look.median("rabbitmq") < look.median("sqs"),
    ),
    Ordering(
        "Files and sockets carry more events than brokers, and brokers more than SQS",
        lambda look: (
            min(look.per_second(each) for each in ("polling", "tail", "socket"))
            > max(look.per_second(each) for each in ("redis", "rabbitmq"))
            and min(look.per_second(each) for each in ("redis", "rabbitmq"))
            > look.per_second("sqs")
        ),
    ),
    Ordering(
        "Only polling and SQS ask while nothing happens",
        lambda look: (
            max(look.requests(each) for each in _PUSHED)
            < min(look.requests("polling"), look.requests("sqs"))
        ),
    ),
    Ordering("Long polling asks far less often than short polling", _long_polls_ask_less),
    Ordering(
        "A file and a queue keep what comes while the consumer is away",
        lambda look: all(look.kept(each) == 1 for each in ("polling", "tail", "rabbitmq", "sqs")),
    ),
    Ordering(
        "A socket and Redis Pub/Sub keep none of it",
        lambda look: all(look.kept(each) == 0 for each in ("socket", "redis")),
    ),
    Ordering(
        "A crash loses nothing from a file or a queue",
        lambda look: all(look.lost(each) == 0 for each in ("polling", "tail", "rabbitmq", "sqs")),
    ),
    Ordering(
        "A crash loses events from a socket and from Redis Pub/Sub",
        lambda look: all(look.lost(each) > 0 for each in ("socket", "redis")),
    ),
    Ordering(
        "Two consumers of a file or of Redis Pub/Sub each get all",
        lambda look: all(look.kind(each) == "all" for each in ("polling", "tail", "redis")),
    ),
    Ordering(
        "Two consumers of a queue share its messages",
        lambda look: all(look.kind(each) == "share" for each in ("rabbitmq", "sqs")),
    ),
    Ordering("A port takes one consumer", lambda look: look.kind("socket") == "one"),
    Ordering(
        "Durable queue, persistent messages, confirms: a broker's death loses nothing",
        _restart_loses_nothing,
    ),
)
