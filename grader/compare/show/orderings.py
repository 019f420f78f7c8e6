"""What this course's lessons say of its techniques, held against the numbers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from grader.compare.result import Comparison
from grader.compare.show.look import ForeignError, Look, MissingError


@dataclass(frozen=True)
class Ordering:
    """A sentence of the lessons, and whether the numbers bear it out."""

    sentence: str
    test: Callable[[Look], bool]

    def holds(self, comparison: Comparison) -> bool | None:
        """Judge it; None when a number that it needs was not measured.

        Raises:
            ForeignError: it is about a technique that the comparison's course does not have.
        """
        try:
            return self.test(Look(comparison))
        except MissingError:
            return None


def _intervals_grow(look: Look) -> bool:
    others = [found.p50 for _, found in sorted(look.comparison.by_interval.items())]
    medians = [look.median("polling"), *others]
    return bool(others) and medians == sorted(medians)


def _long_polls_ask_less(look: Look) -> bool:
    requests, short = look.requests("sqs"), look.comparison.short_poll
    if short is None:
        raise MissingError
    return requests < short.requests / 10


def _restart_loses_nothing(look: Look) -> bool:
    found = look("rabbitmq").restart
    if found is None:
        raise MissingError
    return found.lost == 0


_PUSHED = ("tail", "socket", "redis", "rabbitmq")
_ASKED = ("polling", "sqs", "streams", "kafka")
"""The consumer asks for events; where it waits for the answer, they come as soon as pushed ones."""
_LOGS = ("polling", "tail", "streams", "kafka")
"""What was read stays. The mock cluster's delays are not Kafka's: no ordering goes by them."""
_KEPT = ("rabbitmq", "sqs", *_LOGS)
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
        "Only polling, SQS, Redis Streams and Kafka ask while nothing happens",
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
        lambda look: all(
            look.kind(each) == "share" for each in ("rabbitmq", "sqs", "streams", "kafka")
        ),
    ),
    Ordering(
        "Two services each get all from a file, Redis Pub/Sub or a stream, and not from a queue",
        lambda look: (
            all(look.services(each) == "all" for each in ("redis", *_LOGS))
            and all(look.services(each) != "all" for each in ("rabbitmq", "sqs"))
        ),
    ),
    Ordering(
        "A file and a stream can be read again from the first event; nothing else can",
        lambda look: (
            all(look.read_again(each) == 1 for each in _LOGS)
            and all(look.read_again(e) == 0 for e in ("socket", "redis", "rabbitmq", "sqs"))
        ),
    ),
    Ordering("A port takes one consumer", lambda look: look.kind("socket") == "one"),
    Ordering(
        "Durable queue, persistent messages, confirms: a broker's death loses nothing",
        _restart_loses_nothing,
    ),
)


def judged(comparison: Comparison) -> Iterator[tuple[Ordering, bool | None]]:
    """Yield what is said of the techniques of the comparison's course, and whether it holds."""
    for ordering in ORDERINGS:
        with contextlib.suppress(ForeignError):
            yield ordering, ordering.holds(comparison)
