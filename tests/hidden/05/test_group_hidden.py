"""Hidden suite of exercise 05: the group, where it begins, and what its consumers share."""

from __future__ import annotations

import time

import pytest
from stream_seen import PATIENCE, new_name

from grader.suite import leave_to
from grader.suite.content import same

# Where it begins ------------------------------------------------------------------


@pytest.mark.check("05.group")
def test_stream_and_group_are_created(student, stream, new_stream, trips):
    """There is no stream; then one without that group, from its first entry on; in one process."""
    process = student.process()
    events = trips(4)
    run = student.begin(stream, process, max_events=4, max_empty_reads=100)
    run.process.case.given("there is no stream yet, and stream_consumer should create it")
    wait_for(lambda: stream.group in stream.groups or not run.waiting(0))
    there = stream.group in stream.groups
    stream.append(*events)
    seen = student.finish(
        run, "there was no stream; 4 entries were appended when stream_consumer had begun"
    )
    assert there, (
        "there was no stream: stream_consumer should create it with the group before it waits; there "
        "was no such group"
    )
    more = len(stream.entries) - len(events)
    assert more <= 0, (
        "there was no stream, and 4 entries were appended when stream_consumer had begun: it should "
        f"hold those 4; it holds {len(stream.entries)} (XGROUP CREATE with MKSTREAM makes an empty one)"
    )
    # Another stream's group of the same name is another group.
    for group in (f"fares-{stream.name}", stream.group):
        other = new_stream().of_group(group)
        other.append(*events)
        other.of_group(f"early-{group}").create_group()
        run = student.begin(other, process, max_events=4)
        seen = student.finish(run, "4 entries are in the stream, which has no such group yet")
        assert same(seen, events), (
            "4 entries were in the stream before its group was created, and a group begins with the "
            f"first entry; it handled {other.these(seen)}"
        )


@pytest.mark.check("05.group")
def test_a_group_that_is_gone_is_created_again(student, stream, trips):
    """Between two starts in one process: whether it is there, the server alone knows."""
    process = student.process()
    events = trips(4)
    stream.append(*events[:2])
    student.finish(student.begin(stream, process, max_events=2), "2 entries were in the stream")
    stream.destroy_group()
    stream.append(*events[2:])
    scene = (
        "a first start had handled 2 entries; then the group was destroyed, 2 entries were appended, "
        "and a second start began in the same process"
    )
    seen = student.finish(student.begin(stream, process, max_events=4, max_empty_reads=2), scene)
    # Whoever passes over what an earlier call has handled is told so by other checks.
    fresh = [event for event in seen if event in events[2:]]
    assert same(fresh, events[2:]), (
        f"{scene}: it should create the group, from the first entry on; it handled "
        f"{stream.these(seen)}"
    )


@pytest.mark.check("05.group")
def test_a_second_start_goes_on(student, stream, trips):
    """By the same consumer, by another one, in the same process and in a new one."""
    events = trips(8)
    process = student.process()
    one, other = new_name(), new_name()
    for number, (who, where) in enumerate(
        [(one, process), (one, process), (other, process), (one, student.process())]
    ):
        fresh = events[2 * number : 2 * number + 2]
        stream.append(*fresh)
        scene = (
            f"start {number + 1} in one group; 2 entries were appended since the one before, which "
            "had handled all"
        )
        run = student.begin(stream, where, consumer=who, max_events=2)
        seen = student.finish(run, scene)
        assert same(seen, fresh), (
            f"{scene}: it should handle those 2; it handled {stream.these(seen)}"
        )


@pytest.mark.check("05.group")
def test_another_consumer_creates_the_group_at_the_same_time(student, stream, trips):
    """Between a look whether it is there and the request to create it."""
    events = trips(2)
    stream.append(*events)
    with student.service.before(
        "XGROUP", action=stream.create_group, argument=stream.name, in_transactions=True
    ):
        run = student.begin(stream, max_events=2)
        seen = student.finish(run, "another consumer created the group at the same time")
    assert same(seen, events), (
        "another consumer created the group at the same time; 2 entries were in the stream, and it "
        f"handled {stream.these(seen)}"
    )


def wait_for(condition) -> None:
    """Wait until it holds; only a wrong submission makes it wait long."""
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.002)


# Several --------------------------------------------------------------------------


@pytest.mark.check("05.two-consumers")
def test_two_of_a_group_share(student, stream, trips):
    """While one handles an entry, the other one gets the next."""
    first, second = trips(2)
    (held,) = stream.append(first)
    runs = [student.consume(stream, consumer=new_name(), max_events=1)]
    runs[0].process.case.given("an entry was appended")
    event = runs[0].next_event()
    assert event == first, f"an entry was appended; a consumer handled {stream.these([event])}"
    stream.append(second)
    # The other one creates the group as well, where the first one is: what comes of finding it
    # there is 05.group's.
    stream.destroy_group()
    runs.append(student.consume(stream, at=held, consumer=new_name(), max_events=1))
    scene = "a consumer was handling entry 1, and a second one of its group began"
    runs[1].process.case.given(scene)
    event = runs[1].next_event()
    assert event == second, (
        f"{scene}: it should handle entry 2, which is nobody's yet; it handled "
        f"{stream.these([event])}"
    )


@pytest.mark.check("05.two-consumers")
def test_two_groups_each_get_all(student, stream, trips):
    """By turns: each has them in hand before either has handled one."""
    events = trips(4)
    stream.append(*events)
    groups = [stream, stream.of_group(f"audit-{stream.group}")]
    runs, seen = [], [[], []]
    for number in range(4):
        for which, mine in enumerate(seen):
            if not number:
                # One after the other: the scene of each is made when it asks.
                runs.append(student.consume(groups[which], max_events=4))
            runs[which].process.case.given(
                f"two groups read a stream of 4 entries by turns, and each has handled {number}"
            )
            mine.append(runs[which].next_event())
        for run in runs:
            run.handled()
    for number, mine in enumerate(seen, 1):
        assert same(mine, events), (
            f"4 entries were in the stream, and each of two groups should handle all of them; group "
            f"{number} handled {stream.these(mine)}"
        )
    # A third one, in the process of the first: what was handled there is nothing to it.
    runs[0].returned()
    if len(stream.entries) < len(events):
        leave_to(
            "05.acks",
            f"two groups have read {len(events)} entries, which should all be in the stream for others; "
            f"{len(stream.entries)} are",
        )
        return
    late = stream.of_group(f"late-{stream.group}")
    scene = "a group had handled 4 entries, and another one began in the same process"
    seen = student.finish(student.consume(late, runs[0].process, max_events=4), scene)
    assert same(seen, events), (
        f"{scene}: it should handle all of them; it handled {stream.these(seen)}"
    )
