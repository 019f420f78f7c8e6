"""The fixtures of exercise 06. What they give is in the modules kafka_*.py beside this one."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from kafka_joined import Joined
from kafka_lost import Killed, StoodStill
from kafka_members import Members, Pair
from kafka_names import namer, zones
from kafka_student import Found, Student
from kafka_topic import Topic
from kafka_waits import Elsewhere, Quiet, SlowPublish, SlowReplay, Waits

from grader.services.kafka.service import KafkaService
from grader.suite import Consumer, content

_LONGER = (2, 4)
"""How many times longer the sessions of a scene are that is played once more, and again."""


@pytest.fixture
def kafka(service: Callable[[str], Any]) -> KafkaService:
    """The service."""
    found: KafkaService = service("kafka")
    return found


def topics(service: KafkaService, consumer: Consumer, rng: random.Random) -> Callable[..., Topic]:
    """What makes topics of random names, each with a group's name."""
    name = namer(rng)

    def make(count: int = 3) -> Topic:
        return Topic(service, consumer, name, count)

    return make


@pytest.fixture
def new_topic(kafka: KafkaService, consumer: Consumer, rng: random.Random) -> Callable[..., Topic]:
    """`new_topic(count)`: one more topic of so many partitions, and the name of its group."""
    return topics(kafka, consumer, rng)


@pytest.fixture(scope="session")
def found() -> Found:
    """What was found out about the submission."""
    return Found()


@pytest.fixture
def student(
    kafka: KafkaService,
    consumer: Consumer,
    new_topic: Callable[..., Topic],
    found: Found,
    rng: random.Random,
) -> Student:
    """The student's functions."""
    return Student(kafka, consumer, new_topic, found, rng)


@pytest.fixture(scope="session")
def beside_too(beside: Any) -> Iterator[Any]:
    """One more `beside`: all members of all groups have too many threads for one sandbox."""
    with closing(beside.another()) as other:
        yield other


@pytest.fixture
def waits(beside: Any, beside_too: Any, rng: random.Random, found: Found) -> Waits:
    """What goes on beside the tests."""

    def on_its_own(make: Callable[..., Any], *, where: Any = beside) -> tuple[Any, Any]:
        def start(consumer: Consumer, at_end: ExitStack) -> Any:
            service = where.service("kafka")
            own = Found(groups=found.groups)
            student = Student(service, consumer, topics(service, consumer, rng), own, rng)
            return make(student, at_end)

        return where, start

    def trips(count: int) -> list[Any]:
        return content.trips(rng, count)

    of_zones = [
        trip | {"pickup_zone": zone} for zone, trip in zip(zones(rng, 8), trips(8), strict=True)
    ]
    return Waits(
        {
            "quiet": on_its_own(lambda student, _: Quiet(student, trips(2))),
            "elsewhere": on_its_own(lambda student, _: Elsewhere(student, of_zones)),
            "replay": on_its_own(lambda student, at_end: SlowReplay(student, trips(6), at_end)),
            "killed": on_its_own(lambda student, at_end: Killed(student, at_end, trips(4))),
            "stood still": on_its_own(
                lambda student, at_end: StoodStill(student, at_end, trips(2))
            ),
            "pair": on_its_own(lambda student, at_end: Pair(student, at_end, trips(2))),
            "joined": on_its_own(
                lambda student, at_end: Joined(student, at_end, trips(20)), where=beside_too
            ),
            "slow publish": on_its_own(
                lambda student, at_end: SlowPublish(student, trips(4), at_end)
            ),
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
            "pair": lambda times: Pair(student, at_end, trips(2), times),
            "killed": lambda times: Killed(student, at_end, trips(4), times),
            "stood still": lambda times: StoodStill(student, at_end, trips(2), times),
            "joined": lambda times: Joined(student, at_end, trips(20), times),
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
