"""The fixtures of exercise 06. What they give is in the modules kafka_*.py beside this one."""

from __future__ import annotations

import random
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from kafka_members import Killed, Members, Pair, StoodStill
from kafka_student import Student
from kafka_topic import Topic
from kafka_waits import ELSEWHERE, Elsewhere, Quiet, SlowReplay, Waits

from grader.services.kafka.service import KafkaService
from grader.suite import Consumer, content

_LONGER = (2, 4)
"""How many times longer the sessions of a scene are that is played once more, and again."""


@pytest.fixture
def kafka(service: Callable[[str], Any]) -> KafkaService:
    """The service."""
    found: KafkaService = service("kafka")
    return found


def topics(service: KafkaService, consumer: Consumer) -> Callable[..., Topic]:
    """What makes topics of random names, each with a group's name."""

    def make(count: int = 3, name: str = "trips-{}", group: str = "fares-{}") -> Topic:
        word = uuid.uuid4().hex[:10]
        return Topic(service, consumer, name.format(word), group.format(word), count)

    return make


@pytest.fixture
def new_topic(kafka: KafkaService, consumer: Consumer) -> Callable[..., Topic]:
    """`new_topic(count)`: one more topic of so many partitions, and the name of its group."""
    return topics(kafka, consumer)


@pytest.fixture(scope="session")
def found() -> dict[str, bool]:
    """What was found out about the submission, by name."""
    return {}


@pytest.fixture
def student(
    kafka: KafkaService,
    consumer: Consumer,
    new_topic: Callable[..., Topic],
    found: dict[str, bool],
) -> Student:
    """The student's functions."""
    return Student(kafka, consumer, new_topic, found)


@pytest.fixture
def waits(beside: Any, rng: random.Random) -> Waits:
    """What goes on beside the tests."""

    def on_its_own(make: Callable[..., Any], *more: Any) -> Callable[..., Any]:
        def start(consumer: Consumer, at_end: ExitStack) -> Any:
            service = beside.service("kafka")
            student = Student(service, consumer, topics(service, consumer), {})
            return make(student, at_end, *more)

        return start

    zones = [
        trip | {"pickup_zone": zone}
        for zone, trip in zip(ELSEWHERE, content.trips(rng, 8), strict=True)
    ]
    return Waits(
        beside,
        {
            "quiet": on_its_own(lambda student, _: Quiet(student, content.trips(rng, 2))),
            "elsewhere": on_its_own(lambda student, _: Elsewhere(student, zones)),
            "replay": on_its_own(
                lambda student, at_end: SlowReplay(student, content.trips(rng, 6), at_end)
            ),
            "killed": on_its_own(
                lambda student, at_end: Killed(student, at_end, content.trips(rng, 4))
            ),
            "stood still": on_its_own(
                lambda student, at_end: StoodStill(student, at_end, content.trips(rng, 2))
            ),
            "pair": on_its_own(Pair),
        },
    )


@pytest.fixture
def judge_scene(
    waits: Waits, student: Student, trips: Callable[..., list[Any]]
) -> Iterator[Callable[..., None]]:
    """`judge_scene(name, judge)`: judge what goes on under that name; where it was disturbed, anew.

    A scene is disturbed when the cluster threw a member out that lived, or never answered it: the
    machine stood still for as long as a session. It says nothing of the submission then.
    """
    with ExitStack() as at_end:
        anew: dict[str, Callable[[int], Members]] = {
            "pair": lambda times: Pair(student, at_end, times),
            "killed": lambda times: Killed(student, at_end, trips(4), times),
            "stood still": lambda times: StoodStill(student, at_end, trips(2), times),
        }

        def judge_it(name: str, judge: Callable[[Any], None]) -> None:
            scene = waits.look(name)
            for times in _LONGER:
                try:
                    judge(scene)
                except AssertionError:
                    if not scene.disturbed:
                        raise
                else:
                    return
                scene = anew[name](times)
            judge(scene)

        yield judge_it


@pytest.fixture(autouse=True)
def waiting_begun(waits: Waits) -> None:
    """Begin what goes on beside the tests with the first of them."""
    waits.begin()
