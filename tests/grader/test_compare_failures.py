"""What a kill after `handle`, a second service and a late one show: measured, small, and real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar, cast

import pytest

from grader.compare.measure.bench import Bench, Subject
from grader.compare.measure.failures import between, crash
from grader.compare.measure.pair import pair, replay, services
from grader.compare.measure.work import Work
from grader.compare.places import Places
from grader.compare.processes.crew import Crew, RunError
from grader.compare.result import Replay
from grader.compare.servers.catalog import servers
from grader.compare.techniques.catalog import BY_ID
from grader.course import load_course

COURSE = load_course(Path(__file__).resolve().parents[2])
KILLED_AT = 12

T = TypeVar("T")

AT_MOST_ONCE = '''
"""Acknowledges before it handles."""
import json

import redis


def stream_consumer(client, stream, group, consumer, handle, *, max_events, wait_ms, **_):
    try:
        client.xgroup_create(stream, group, id="0", mkstream=True)
    except redis.ResponseError:
        pass
    for _ in range(max_events):
        while not (answer := client.xreadgroup(
            group, consumer, {stream: ">"}, count=1, block=wait_ms
        )):
            pass
        ((_, ((entry_id, fields),)),) = answer
        client.xack(stream, group, entry_id)
        handle(json.loads(fields[b"event"]))
'''


def solution(technique: str) -> Subject:
    """The solution's consumer of a technique."""
    found = BY_ID[technique]
    return Subject(found, str(COURSE.solution(COURSE.exercise(found.exercise)) / found.file))


@contextmanager
def bench(folder: Path, *techniques: str) -> Iterator[Bench]:
    """What measurements of these need, with their servers."""
    with (
        servers([BY_ID[each] for each in techniques], real=False) as found,
        closing(Places(folder, found.urls, 0.1, found.settings)) as places,
        Crew() as crew,
    ):
        found.finish()
        assert found.missing == {}
        yield Bench(crew, places, resources=COURSE.root / "resources", rate=40, seed=1)


def measured(
    folder: Path, measure: Callable[[Bench, Subject], T], *techniques: str
) -> dict[str, T]:
    """A measurement of the solutions of these techniques, all at a time."""
    with bench(folder, *techniques) as made:
        found = made.together(
            [solution(each) for each in techniques],
            lambda subject: measure(made, subject),
            lambda _: None,
        )
    results: dict[str, T] = {}
    for subject, result in found.items():
        assert not isinstance(result, RunError), f"{subject.technique.id}: {result}"
        results[subject.technique.id] = result
    return results


def test_a_service_that_is_missing_takes_all_its_techniques_along() -> None:
    """Both of Redis are left out, with the reason, and the others are measured."""
    subjects = [solution(each) for each in ("polling", "redis", "streams")]
    work = Work(cast("Bench", None), subjects, 20, lambda _: None)
    work.without({"redis": "it did not start"})
    assert [column.problems for column in work.columns("solution")] == [
        {},
        {"all": "it did not start"},
        {"all": "it did not start"},
    ]


def test_a_kill_after_handle_repeats_what_a_file_keeps(tmp_path: Path) -> None:
    """No place was noted for that event, so it comes again; a socket has nothing to repeat."""
    found = measured(tmp_path, lambda b, s: between(b, s, KILLED_AT), "polling", "tail", "socket")
    assert {name: each.again for name, each in found.items()} == {
        "polling": True,
        "tail": True,
        "socket": False,
    }
    assert [found["polling"].lost, found["tail"].lost] == [0, 0]
    assert found["tail"].twice == KILLED_AT, "tail begins with the first line"
    assert found["socket"].twice == 0
    for each in found.values():
        (event,) = (e for e in each.events if e.number == each.killed_at)
        # It was handled to the end, and only then came the kill.
        assert event.handled[0] <= each.killed


def test_a_file_can_be_read_again_and_a_socket_cannot(tmp_path: Path) -> None:
    """A second service that begins when the first one has handled all."""
    found = measured(tmp_path, replay, "polling", "tail", "socket")
    assert {name: each.again for name, each in found.items()} == {
        "polling": 50,
        "tail": 50,
        "socket": 0,
    }
    assert found["socket"].handled == 50


@pytest.mark.thorough
def test_a_kill_after_handle_repeats_one_event_of_a_broker_that_keeps_it(tmp_path: Path) -> None:
    """At least once: that event twice, and none lost. Pub/Sub has handled it, and repeats nothing."""
    kept = ("rabbitmq", "sqs", "streams", "kafka")
    found = measured(tmp_path, lambda b, s: between(b, s, KILLED_AT), "redis", *kept)
    for each in kept:
        assert (found[each].again, found[each].twice, found[each].lost) == (True, 1, 0), each
    assert (found["redis"].again, found["redis"].twice) == (False, 0)


@pytest.mark.thorough
def test_who_acknowledges_first_repeats_nothing_and_loses_the_event(tmp_path: Path) -> None:
    """At most once: killed after `handle`, the event is done; killed inside, it is gone."""
    file = tmp_path / "redis_streams.py"
    file.write_text(AT_MOST_ONCE)
    subject = Subject(BY_ID["streams"], str(file))
    with bench(tmp_path, "streams") as made:
        after = between(made, subject, KILLED_AT)
        inside = crash(made, subject, KILLED_AT)
    assert (after.again, after.twice, after.lost) == (False, 0, 0)
    assert (inside.twice, inside.lost) == (0, 1)


@pytest.mark.thorough
@pytest.mark.parametrize("log", ["streams", "kafka"])
def test_a_log_is_shared_within_a_group_and_whole_for_each_group(tmp_path: Path, log: str) -> None:
    """Two consumers share, two groups each get all, and a late group reads from the beginning."""
    with bench(tmp_path, log) as made:
        subject = solution(log)
        assert pair(made, subject).kind == "share"
        assert services(made, subject).handled == (50, 50)
        late = replay(made, subject)
    assert (late.handled, late.again) == (50, 50)


@pytest.mark.thorough
def test_a_queue_knows_no_second_service(tmp_path: Path) -> None:
    """What one has acknowledged no other gets, and two at a time share."""
    assert measured(tmp_path, replay, "rabbitmq", "sqs", "redis") == dict.fromkeys(
        ("rabbitmq", "sqs", "redis"), Replay(handled=50, again=0)
    )
    found = measured(tmp_path, services, "rabbitmq", "redis")
    assert {name: each.kind for name, each in found.items()} == {
        "rabbitmq": "share",
        "redis": "all",
    }
