"""The techniques by their names in course.toml."""

from __future__ import annotations

from functools import cache

from grader.compare.result import Comparison
from grader.compare.techniques.kafka import Kafka
from grader.compare.techniques.polling import Polling
from grader.compare.techniques.rabbitmq import RabbitMQ
from grader.compare.techniques.redis import RedisPubSub
from grader.compare.techniques.sqs import Sqs
from grader.compare.techniques.streams import RedisStreams
from grader.compare.techniques.tail import Tail
from grader.compare.techniques.tcp_socket import TcpSocket
from grader.compare.techniques.technique import Technique
from grader.course import Course
from grader.errors import CourseError
from grader.plugins import PluginError, load

TECHNIQUES: tuple[Technique, ...] = (
    Polling(),
    Tail(),
    TcpSocket(),
    RedisPubSub(),
    RabbitMQ(),
    Sqs(),
    RedisStreams(),
    Kafka(),
)
"""The course's own, in the order of its lessons."""
BY_ID = {each.id: each for each in TECHNIQUES}


@cache
def technique(name: str) -> Technique:
    """Return the technique of that name; imports its module where it is another course's own.

    Args:
        name: the id of one of TECHNIQUES, or `package.module:Class`.

    Raises:
        CourseError: there is none.
    """
    if name in BY_ID:
        return BY_ID[name]
    try:
        found = load(name)
    except PluginError as error:
        raise CourseError(
            f"there is no technique {name!r}: {error.reason}",
            f"course.toml names one of {', '.join(BY_ID)}, or yours as `package.module:Class`.",
        ) from None
    if not (isinstance(found, type) and issubclass(found, Technique)):
        raise CourseError(
            f"{name} is no technique",
            "It inherits from grader.compare.techniques.technique.Technique.",
        )
    return found()


def techniques_of(course: Course) -> tuple[Technique, ...]:
    """Return what the course compares, in its order.

    Raises:
        CourseError: course.toml names a technique that there is not, none, or two of one id.
    """
    found = tuple(technique(name) for name in course.techniques)
    if not found:
        raise CourseError(
            "course.toml names nothing to compare", f"Add `techniques = {list(BY_ID)}`, or yours."
        )
    ids = [each.id for each in found]
    if twice := {each for each in ids if ids.count(each) > 1}:
        raise CourseError(f"two techniques of course.toml have the id {min(twice)!r}")
    return found


def techniques_in(comparison: Comparison) -> tuple[Technique, ...]:
    """Return what the comparison could have measured: those of its course, in order."""
    return tuple(technique(name) for name in comparison.techniques) or TECHNIQUES
