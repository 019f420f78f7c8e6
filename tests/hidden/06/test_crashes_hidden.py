"""Hidden suite of exercise 06: kafka_consumer where something goes wrong."""

from __future__ import annotations

import pytest
from kafka_student import LONGEST

from grader.suite import Handle, Raised, Returned, exceptions, leave_to
from grader.suite.steps import in_words

AT_A_TIME = 4
"""Consumers that are begun before the first of them is looked at."""
REFUSALS = ("UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION")
OTHERS = (
    "TOPIC_AUTHORIZATION_FAILED",
    "OFFSET_METADATA_TOO_LARGE",
    "INVALID_COMMIT_OFFSET_SIZE",
    "POLICY_VIOLATION",
)
"""Refusals besides, of which a run has one: no code knows all of them by heart."""
AT_FIRST = 5
"""Events in each of which a consumer is killed; another one is killed in a much later one."""
MANY = 48
"""Events of a topic that a consumer goes far into."""
BEATS = 3
"""Heartbeats of a member inside handle. The thread that sends one each 100 ms is that which commits
for who leaves it to the client, each 20 ms."""
ORDINARY = (*exceptions.ORDINARY, *exceptions.KAFKA)


# Killed ---------------------------------------------------------------------------


@pytest.mark.check("06.commit-after-handle")
def test_killed_inside_handle_at_every_event(student, new_topic, trips, rng):
    """Six consumers, each in a group of its own: for each of the first events, and for a later one."""
    topic, events = new_topic(3), trips(MANY)
    topic.spread(*events)
    scenes = []
    for number in (*range(AT_FIRST), rng.randrange(AT_FIRST, MANY - 8)):
        mine = topic.of_another_group()
        scenes.append((number, mine, student.consume(mine), []))
    rng.shuffle(scenes)
    scene = f"{MANY} events are in 3 partitions"
    student.given(scene)
    for number, _, run, seen in scenes:
        while len(seen) <= number:
            step = student.step(run)
            assert isinstance(step, Handle), f"{scene}; {in_words(step, 'it')}"
            seen.append(step.event)
            if len(seen) <= number:
                run.handled()
    # A client that commits by itself does so in the background.
    with student.service.recording() as recorded:
        student.comes(
            lambda: all(
                len(recorded.requests("Heartbeat", group=mine.group)) >= BEATS
                for _, mine, _, _ in scenes
            )
        )
    for _, mine, run, seen in scenes:
        run.kill()
        *handled, current = seen
        passed = mine.passed(handled)
        assert not passed, (
            f"{MANY} events were in 3 partitions; killed inside handle() of {topic.these([current])}, "
            f"when it had handled {topic.these(handled)}: no committed offset should have passed "
            f"another event; {topic.these(passed)} would come to no consumer of the group"
        )


# What handle raises -----------------------------------------------------------------


@pytest.mark.check("06.handler-error")
@pytest.mark.parametrize("kind", ["ordinary", "stopping"])
def test_what_handle_raises_leaves_it(student, new_topic, trips, rng, kind):
    """Any exception, unchanged; the event comes again, and those before it do not.

    It is raised for the third event, and once for a later one.
    """
    names = ORDINARY if kind == "ordinary" else exceptions.STOPPING
    topic = new_topic(2)
    topic.spread(*trips(MANY))
    late = rng.choice(names)
    for first in range(0, len(names), AT_A_TIME):
        begun = []
        for name in names[first : first + AT_A_TIME]:
            mine = topic.of_another_group()
            begun.append((name, mine, student.consume(mine)))
        for name, mine, run in begun:
            number = rng.randrange(6, MANY - 8) if name == late else 3
            judge_failure(student, mine, run, name, number)
            if name == names[0]:
                judge_next_call(student, topic.of_another_group(), run.process, name)
            run.process.kill()


def judge_failure(student, topic, run, name: str, number: int) -> None:
    """It handles the events before that one, and raises for it."""
    seen = []
    nth = "the third" if number == 3 else f"number {number}"
    scene = f"handle() raised {name} for {nth} of {MANY} events"
    while len(seen) < number:
        step = student.step(run)
        assert isinstance(step, Handle), f"{MANY} events were in a topic; {in_words(step, 'it')}"
        seen.append(step.event)
        if len(seen) < number:
            run.handled()
    student.given(scene)
    run.fails(name)
    step = student.step(run)
    left = isinstance(step, Raised) and step.by_handle
    assert left, f"{scene}: that should leave kafka_consumer unchanged; {in_words(step, 'it')}"
    handled = seen[:-1]
    if student.commits_all(topic, handled):
        if passed := topic.passed(handled):
            said = (
                f"{scene}: that event should come again; the committed offset has passed "
                f"{topic.these(passed)}"
            )
            assert student.commits_early, said
            leave_to("06.commit-after-handle", said)
        return
    said = (
        f"{scene}: the events before it should not come again; of {topic.these(handled)} the "
        f"committed offsets have not passed {topic.these(topic.not_passed(handled))}"
    )
    assert student.commits_another, said
    leave_to("06.commit-is-next", said)


def judge_next_call(student, topic, process, name: str) -> None:
    """It handles events also in a process that an exception did not end; in which order is 06.delivers'.

    For another group: this cluster lets the next member of the same one wait for nearly a session.
    """
    events = topic.everything
    scene = (
        f"{len(events)} events were in a topic, handle() had raised {name}, and kafka_consumer was "
        "called again in the same process, for a new group"
    )
    student.given(scene)
    step = student.step(student.consume(topic, process))
    assert isinstance(step, Handle), f"{scene}: it should handle them; {in_words(step, 'it')}"


# Commits that are refused -------------------------------------------------------------


@pytest.mark.check("06.fenced")
def test_a_refused_commit_raises(student, new_topic, trips, rng):
    """Whatever the refusal says, but that the group is rebalancing; and the next event is not handled.

    For one of them no event is to come after the first.
    """
    topic = new_topic(1)
    topic.put(0, *trips(2))
    refusals = [*REFUSALS, rng.choice(OTHERS)]
    rng.shuffle(refusals)
    last = rng.choice(refusals)
    begun = [
        (
            error,
            student.consume(topic.of_another_group(), max_events=1 if error == last else 1000),
        )
        for error in refusals
    ]
    first = [student.step(run) for _, run in begun]
    for (error, run), begins in zip(begun, first, strict=True):
        scene = f"2 events were in a topic, and the broker refused the commit of the first: {error}"
        if error == last:
            scene = f"{scene} (max_events is 1)"
        student.given(scene)
        if not isinstance(begins, Handle):
            leave_to("06.delivers", f"2 events were in a topic; {in_words(begins, 'it')}")
            return
        with student.refusing("OffsetCommit", error):
            run.handled()
            step = student.moves(run, LONGEST)
        if isinstance(step, Raised):
            continue
        did = f"for {LONGEST:g} s it did nothing" if step is None else in_words(step, "it")
        said = f"{scene}; kafka_consumer should raise; {did}"
        # Nothing was refused of who had committed before, or has not yet.
        if student.commits_early:
            leave_to("06.commit-after-handle", said)
            return
        assert isinstance(step, Handle | Returned), said
        assert student.commits_another, said
        leave_to("06.commit-is-next", said)
        return


# Leaving --------------------------------------------------------------------------------


@pytest.mark.check("06.leaves-the-group")
def test_the_group_is_left_on_every_way_out(student, new_topic, trips):
    """After a return, after an exception of handle, and after a commit that is refused."""
    topic, events = new_topic(1), trips(2)
    topic.put(0, *events)
    begun, ended = [], 0
    with student.service.recording() as recorded:
        for way in ("return", "HandlerError", *exceptions.STOPPING):
            mine = topic.of_another_group()
            begun.append((way, student.consume(mine, max_events=1)))
        for way, run in begun:
            step = student.step(run)
            assert isinstance(step, Handle), f"2 events were in a topic; {in_words(step, 'it')}"
            if way == "return":
                run.handled()
            else:
                run.fails(way)
            step = student.step(run)
            words = f"handle() raised {way}" if way != "return" else "max_events were handled"
            if isinstance(step, Handle):
                said = f"{words}: kafka_consumer should end; {in_words(step, 'it')}"
                leave_to("06.stops" if way == "return" else "06.handler-error", said)
                continue
            ended += 1
            if not recorded.requests("JoinGroup"):
                said = f"{words}, and kafka_consumer had ended; nobody had joined the group"
                leave_to("06.groups", said)  # there is none to leave
                return
            # Of which group is 06.groups' business.
            left = student.comes(lambda: len(recorded.requests("LeaveGroup")) >= ended)  # noqa: B023 - at once
            assert left, (
                f"{words}, and kafka_consumer had ended: it should have left the group, so that "
                "another member gets its partitions at once; the broker got no LeaveGroup from it"
            )


@pytest.mark.check("06.leaves-the-group")
def test_the_group_is_left_when_a_commit_is_refused(student, new_topic, trips):
    """That it raises then is 06.fenced's business."""
    topic = new_topic(1)
    topic.put(0, *trips(1))
    with student.service.recording() as recorded:
        run = student.consume(topic, max_events=2)
        begins = student.step(run)
        if not isinstance(begins, Handle):
            leave_to("06.delivers", f"an event was in a topic; {in_words(begins, 'it')}")
            return
        with student.refusing("OffsetCommit", "GROUP_AUTHORIZATION_FAILED"):
            run.handled()
            step = student.moves(run, LONGEST)
        if not isinstance(step, Raised):
            did = in_words(step, "it") if step else f"for {LONGEST:g} s it did nothing"
            said = f"the broker refused a commit, and kafka_consumer should raise; {did}"
            # Nothing was refused of who had committed before, or has not yet.
            if student.commits_early:
                leave_to("06.commit-after-handle", said)
            else:
                leave_to("06.commit-is-next" if student.commits_another else "06.fenced", said)
            return
        if not recorded.requests("JoinGroup"):
            said = "the broker refused a commit, and kafka_consumer raised; nobody had joined the group"
            leave_to("06.groups", said)  # there is none to leave
            return
        left = student.comes(lambda: recorded.requests("LeaveGroup"))
    assert left, (
        "the broker refused a commit, and kafka_consumer raised: it should have left the group; the "
        "broker got no LeaveGroup from it"
    )
