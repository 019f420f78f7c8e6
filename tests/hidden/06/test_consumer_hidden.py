"""Hidden suite of exercise 06: kafka_consumer where nothing goes wrong."""

from __future__ import annotations

from functools import partial

import pytest
from kafka_student import SOON

from grader.suite import Failed, Handle, Kept, Returned, content, leave_to
from grader.suite.content import RETURNED, same
from grader.suite.steps import in_words, shorten

PATIENCE = 10.0  # seconds; only a wrong submission waits so long


# Delivery -------------------------------------------------------------------------


@pytest.mark.check("06.delivers")
def test_every_event_of_every_partition(student, new_topic, odd_events, unusual_text, trips, rng):
    """Of every kind, from before the start; then of another topic, by the same process."""
    process = student.process()
    settings = student.settings()
    process.keep("settings", settings)
    many = [*odd_events, *unusual_text, *trips(rng.randint(20, 30))]
    rng.shuffle(many)
    for events in (many, trips(5)):
        topic = new_topic(rng.randint(4, 6))
        busy = rng.sample(range(topic.count), topic.count - 1)  # one partition stays empty
        topic.scatter(rng, *events, among=busy)
        scene = (
            f"{len(events)} events were in {len(busy)} of the {topic.count} partitions of a topic"
        )
        student.given(scene)
        run = student.consume(topic, process, max_events=len(events), settings=Kept("settings"))
        judge = partial(topic.judge_hung, events=events, scene=scene)
        seen = student.first_events(run, len(events), scene, judge)
        topic.judge_order(seen, events, scene)
        student.end(run)
        if not run.over:
            said = f"{scene}, and max_events is {len(events)}; it handled all, and did not return"
            leave_to("06.stops", said)
            return
    student.judge_settings(process, settings, "kafka_consumer")


@pytest.mark.check("06.delivers")
def test_what_is_published_meanwhile(student, waits, new_topic, trips):
    """While an event is handled, to the same partition and to others."""
    topic, events = new_topic(3), trips(7)
    topic.put(0, events[0])
    run = student.consume(topic, max_events=7)
    student.given("events are published while others are handled")
    scene = "1 event was there before the start, and 6 were published meanwhile"
    seen = []
    for number in (0, 3, 6):
        seen += student.first_events(run, number + 1 - len(seen), scene)
        if run.over or number == 6:
            break
        for partition, event in enumerate(events[number + 1 : number + 4]):
            topic.put(partition, event)
        run.handled()
    try:
        topic.judge_order(seen, events, scene)
    except Failed as failure:
        if len(seen) < len(events) and waits.ends_when_quiet:
            leave_to("06.quiet", str(failure))
            return
        raise
    student.end(run)


@pytest.mark.check("06.delivers")
def test_whatever_handle_returns(student, new_topic, trips, rng):
    """When it returns, the event is handled: False or None says nothing of it."""
    values = [*rng.sample(RETURNED, len(RETURNED)), None]  # the last one could end nothing
    topic, events = new_topic(1), trips(len(values))
    topic.put(0, *events)
    scene = (
        f"{len(events)} events were in a topic, max_events is {len(events)}, and handle() returned "
        f"{', '.join(map(repr, values))} for them"
    )
    student.given(scene)
    run = student.consume(topic, max_events=len(events))
    seen, step = [], None
    for value in values:
        step = student.moves(run, PATIENCE)
        if not isinstance(step, Handle):
            break
        seen.append(step.event)
        run.handled(value)
    topic.judge_so_far(seen, events, scene)
    assert len(seen) == len(events), (
        f"{scene}: an event is handled when handle() returns, whatever it returns; "
        + (in_words(step, "it") if step else "it waited for more")
        + f" after {content.count_of(seen, 'event')}"
    )
    step = student.moves(run, SOON)
    if not isinstance(step, Returned):
        said = (
            f"{scene}: an event is handled when handle() returns, whatever it returns; so "
            f"kafka_consumer should return {len(events)}; "
            + (in_words(step, "it") if step else "it waits for more")
        )
        assert not student.ends, said
        leave_to("06.stops", said)
    if not student.commits_all(topic, events):
        said = (
            f"{scene}: an event is handled when handle() returns, whatever it returns; so the offset "
            f"{len(events)} should be committed, and {topic.committed[0]} is"
        )
        assert student.commits_another, said
        leave_to("06.commit-is-next", said)


# Where a group begins -----------------------------------------------------------------


@pytest.mark.check("06.from-the-start")
def test_a_new_group_begins_at_the_first_event(student, new_topic, trips, rng):
    """Nothing is committed, or for one partition only, or the first events are gone by now."""
    for how in ("nothing", "one", "trimmed"):
        topic, events = new_topic(3), trips(rng.randint(7, 9))
        if how == "trimmed":
            topic.put_one_by_one(0, *trips(3))
            topic.trim(0, before=2)
        old = len(topic.everything)
        topic.spread(*events)
        wanted = topic.everything[2:] if how == "trimmed" else list(topic.everything)
        at = {}
        if how == "one":
            at = {1: 1}
            wanted.remove(topic.of_partition(1)[0])
        scene = (
            f"a group begins, and a topic of 3 partitions holds {len(events) + old} events"
            + {
                "nothing": "",
                "one": ", of which the group has committed 1, and nothing in 2 of the partitions",
                "trimmed": ", of which the first 2 were deleted when they were old",
            }[how]
        )
        student.given(scene)
        run = student.consume(topic, at=at)
        seen, step = [], None
        # What was committed and comes again is 06.commit-is-next's business.
        while not all(event in seen for event in wanted):
            step = student.moves(run, PATIENCE)
            if not isinstance(step, Handle):
                break
            seen.append(step.event)
            run.handled()
        missing = [event for event in wanted if event not in seen]
        assert not missing, (
            f"{scene}; it should begin with the first event that is not committed; it handled "
            f"{topic.these(seen)}; {topic.these(missing)} did not come"
            + ("" if step is None else f"; {in_words(step, 'it')}")
        )


# Commits --------------------------------------------------------------------------------


@pytest.mark.check("06.commit-is-next")
def test_the_next_offset_is_committed_after_each_event(student, new_topic, trips, rng):
    """Each of two groups goes on where it has committed; before the next event, and after.

    In a process each: what is remembered from one call to the next is the business of 06.groups.
    """
    topic, events = new_topic(3), trips(30)
    topic.spread(*events)
    # The first group comes to events of two partitions, whatever it is given first.
    for most in (rng.randint(15, 20), rng.randint(1, 2)):
        topic = topic.of_another_group()
        begin = {0: rng.randint(1, 2), 1: 0, 2: 1}
        done = [event for event in events if topic.place(event)[1] < begin[topic.place(event)[0]]]
        scene = (
            f"30 events are in 3 partitions, and the group has committed {topic.these(done)} before"
        )
        student.given(scene)
        run = student.consume(topic, at=begin, max_events=most)
        handled = []
        while True:
            step = student.step(run)
            last = not isinstance(step, Handle)
            when = f"{scene}; it has handled {topic.these(handled)}, and " + (
                "returned" if last else f"handles {topic.these([step.event])}"
            )
            if not last:
                assert step.event not in done, f"{when}, which was committed"
                assert step.event not in handled, f"{when} again"
            assert handled or not last, (
                f"{scene}: it should handle {most} more, and commit after each; {in_words(step, 'it')}"
            )
            judge_next(student, topic, done, handled, when)
            if last:
                break
            handled.append(step.event)
            run.handled()
        assert isinstance(step, Returned), f"{scene}; {in_words(step, 'it')}"


def judge_next(student, topic, done: list, handled: list, when: str) -> None:
    """The committed offset of each partition is that after the last event that was handled."""
    if student.commits_all(topic, handled):
        if passed := topic.passed([*done, *handled]):
            said = (
                f"{when}: the committed offset should be that of the next event that was not "
                f"handled; it has passed {topic.these(passed)}"
            )
            assert student.commits_early, said
            leave_to("06.commit-after-handle", said)
        return
    late = topic.not_passed(handled)
    number, offset = topic.place(late[-1]) if late else topic.place(handled[-1])
    raise AssertionError(
        f"{when}: of partition {number} the offset {offset + 1} should be committed, that of the "
        f"next event; {topic.committed[number]} is"
    )


# The end ----------------------------------------------------------------------------------


@pytest.mark.check("06.stops")
def test_what_was_fetched_ahead_is_left(student, new_topic, trips, rng):
    """max_events are fewer than one fetch brings; twice in a process."""
    process = student.process()
    for most in (rng.choice((rng.randint(3, 9), rng.randint(10, 40))), 1):
        topic, events = new_topic(rng.randint(1, 3)), trips(60)
        topic.spread(*events)
        scene = f"{len(events)} events were in the topic, and max_events is {most}"
        student.given(scene)
        run = student.consume(topic, process, max_events=most)
        handled = []
        while isinstance(step := student.step(run), Handle):
            assert len(handled) < most, f"{scene}; it handled another event after {most}"
            handled.append(step.event)
            run.handled()
        assert isinstance(step, Returned), f"{scene}; {in_words(step, 'it')}"
        assert len(handled) == most, f"{scene}; it handled {len(handled)} and returned"
        assert step.value == most, f"{scene}; return {most}, not {shorten(step.value)}"
        if passed := topic.passed(handled):
            said = (
                f"{scene}; it handled {topic.these(handled)}, and the others should be there for the "
                f"group: the committed offsets have passed {len(passed)} of them"
            )
            assert student.commits_early, said
            leave_to("06.commit-after-handle", said)


# Groups -------------------------------------------------------------------------------------


@pytest.mark.check("06.groups")
def test_two_groups_each_get_all(student, new_topic, trips):
    """At the same time; and then another one, by a process that has handled all of them before."""
    topic, events = new_topic(2), trips(6)
    topic.spread(*events)
    groups = [topic, topic.of_another_group()]
    runs = [student.consume(each, max_events=6) for each in groups]
    student.given("6 events are in a topic, and two groups read it at the same time")
    seen = [[], []]
    for _ in events:
        for run, mine in zip(runs, seen, strict=True):
            step = student.step(run)
            if isinstance(step, Handle):
                mine.append(step.event)
        for run in runs:
            if not run.over:
                run.handled()
    for number, mine in enumerate(seen, 1):
        assert same(mine, events), (
            "6 events were in a topic, and each of two groups should handle all of them; group "
            f"{number} handled {topic.these(mine)}"
        )
    for number, run in enumerate(runs, 1):
        step = student.moves(run, PATIENCE)
        if not isinstance(step, Returned):
            did = in_words(step, "it") if step else "it waits for more"
            said = f"group {number} had handled 6 events, and max_events is 6; {did}"
            leave_to("06.stops", said)
            return
    third = topic.of_another_group()
    scene = (
        "a process had handled the 6 events of a topic for one group, and kafka_consumer was called "
        "again in it, for another group"
    )
    student.given(scene)
    run = student.consume(third, runs[0].process, max_events=6)
    seen = []
    while len(seen) < len(events) and isinstance(step := student.moves(run, PATIENCE), Handle):
        seen.append(step.event)
        run.handled()
    assert same(seen, events), (
        f"{scene}: it should handle all of them; it handled {topic.these(seen)}"
    )
