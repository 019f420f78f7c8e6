"""What the lessons say of the techniques, held against the numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from grader.compare.result import Column, Comparison, Crash, Pair

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

    def twice(self, technique: str) -> int:
        """Events handled twice in the crash."""
        found = self(technique).crash
        if found is None:
            raise _MissingError
        return found.twice

    def between(self, technique: str) -> Crash:
        """Return what a kill between `handle` and the acknowledgement does."""
        found = self(technique).between
        if found is None:
            raise _MissingError
        return found

    def kind(self, technique: str) -> str:
        """Return what two consumers get; a share that is far from even is none."""
        return _kind(self(technique).pair)

    def services(self, technique: str) -> str:
        """Return what two services get, likewise."""
        return _kind(self(technique).services)

    def read_again(self, technique: str) -> float:
        """Return the share of what was handled that a service which begins later gets."""
        found = self(technique).replay
        if found is None or not found.handled:
            raise _MissingError
        return found.again / found.handled


def _kind(found: Pair | None) -> str:
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
_ASKED = ("polling", "sqs", "streams")
"""The consumer asks for events; where it waits for the answer, they come as soon as pushed ones."""
_KEPT = ("polling", "tail", "rabbitmq", "sqs", "streams")
_BROKERS = ("redis", "rabbitmq", "streams")

ORDERINGS = (
    Ordering(
        "What is pushed, or waited for, arrives sooner than what is polled for",
        lambda look: (
            max(look.median(each) for each in (*_PUSHED, "streams")) < look.median("polling")
        ),
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
            > max(look.per_second(each) for each in _BROKERS)
            and min(look.per_second(each) for each in _BROKERS) > look.per_second("sqs")
        ),
    ),
    Ordering(
        "Only polling, SQS and Redis Streams ask while nothing happens",
        lambda look: (
            max(look.requests(each) for each in _PUSHED)
            < min(look.requests(each) for each in _ASKED)
        ),
    ),
    Ordering("Long polling asks far less often than short polling", _long_polls_ask_less),
    Ordering(
        "A file, a queue and a stream keep what comes while the consumer is away",
        lambda look: all(look.kept(each) == 1 for each in _KEPT),
    ),
    Ordering(
        "A socket and Redis Pub/Sub keep none of it",
        lambda look: all(look.kept(each) == 0 for each in ("socket", "redis")),
    ),
    Ordering(
        "A crash loses nothing from a file, a queue or a stream",
        lambda look: all(look.lost(each) == 0 for each in _KEPT),
    ),
    Ordering(
        "A crash loses events from a socket and from Redis Pub/Sub",
        lambda look: all(look.lost(each) > 0 for each in ("socket", "redis")),
    ),
    Ordering(
        "A kill after handle(), before the acknowledgement: a file, a queue and a stream give that "
        "event again, and lose none",
        lambda look: all(
            look.between(each).again and not look.between(each).lost for each in _KEPT
        ),
    ),
    Ordering(
        "A socket and Redis Pub/Sub handle no event twice, wherever the consumer is killed",
        lambda look: all(
            look.between(each).twice == 0 and look.twice(each) == 0 for each in ("socket", "redis")
        ),
    ),
    Ordering(
        "Two consumers of a file or of Redis Pub/Sub each get all",
        lambda look: all(look.kind(each) == "all" for each in ("polling", "tail", "redis")),
    ),
    Ordering(
        "Two consumers of a queue, or of a group of a stream, share its messages",
        lambda look: all(look.kind(each) == "share" for each in ("rabbitmq", "sqs", "streams")),
    ),
    Ordering(
        "Two services each get all from a file, Redis Pub/Sub or a stream, and not from a queue",
        lambda look: (
            all(look.services(each) == "all" for each in ("polling", "tail", "redis", "streams"))
            and all(look.services(each) != "all" for each in ("rabbitmq", "sqs"))
        ),
    ),
    Ordering(
        "A file and a stream can be read again from the first event; nothing else can",
        lambda look: (
            all(look.read_again(each) == 1 for each in ("polling", "tail", "streams"))
            and all(look.read_again(e) == 0 for e in ("socket", "redis", "rabbitmq", "sqs"))
        ),
    ),
    Ordering("A port takes one consumer", lambda look: look.kind("socket") == "one"),
    Ordering(
        "Durable queue, persistent messages, confirms: a broker's death loses nothing",
        _restart_loses_nothing,
    ),
)
