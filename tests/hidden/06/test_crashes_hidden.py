"""Hidden suite of exercise 06: kafka_consumer where something goes wrong."""

from __future__ import annotations

import pytest
from kafka_student import LONGEST

from grader.suite import Handle, Raised, Returned, exceptions
from grader.suite.steps import in_words

REFUSED_WITHIN = 3.0
"""Seconds for a member to say that its commit was refused; only a wrong submission waits so long."""
AT_A_TIME = 4
"""Consumers that are begun before the first of them is looked at."""
REFUSALS = ("UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "GROUP_AUTHORIZATION_FAILED")
BEATS = 3
"""Heartbeats of a member inside handle. The thread that sends one each 100 ms is that which commits
for who leaves it to the client, each 20 ms."""
ORDINARY = (*exceptions.ORDINARY, *exceptions.KAFKA)


# Killed ---------------------------------------------------------------------------


@pytest.mark.check("06.commit-after-handle")
def test_killed_inside_handle_at_every_event(student, new_topic, trips):
    """Six consumers, each in a group of its own; one for each event of three partitions."""
    topic, events = new_topic(3), trips(6)
    topic.spread(*events)
    scenes = []
    for number in range(len(events)):
        mine = topic.of_group(f"{topic.group}-{number}")
        scenes.append((mine, student.consume(mine), []))
    student.given("6 events are in 3 partitions")
    for number, (_, run, seen) in enumerate(scenes):
        while len(seen) <= number:
            step = student.step(run)
            assert isinstance(step, Handle), f"6 events are in 3 partitions; {in_words(step, 'it')}"
            seen.append(step.event)
            if len(seen) <= number:
                run.handled()
    # A client that commits by itself does so in the background.
    with student.service.recording() as recorded:
        student.comes(
            lambda: all(
                len(recorded.requests("Heartbeat", group=mine.group)) >= BEATS
                for mine, _, _ in scenes
            )
        )
    for mine, run, seen in scenes:
        run.kill()
        *handled, current = seen
        passed = mine.passed(handled)
        assert not passed, (
            f"6 events were in 3 partitions; killed inside handle() of {topic.these([current])}, "
            f"when it had handled {topic.these(handled)}: no committed offset should have passed "
            f"another event; {topic.these(passed)} would come to no consumer of the group"
        )


# What handle raises -----------------------------------------------------------------


@pytest.mark.check("06.handler-error")
@pytest.mark.parametrize("kind", ["ordinary", "stopping"])
def test_what_handle_raises_leaves_it(student, new_topic, trips, kind):
    """Any exception, unchanged; the event comes again, and those before it do not."""
    names = ORDINARY if kind == "ordinary" else exceptions.STOPPING
    topic, events = new_topic(2), trips(6)
    topic.spread(*events)
    for first in range(0, len(names), AT_A_TIME):
        begun = []
        for name in names[first : first + AT_A_TIME]:
            mine = topic.of_group(f"{topic.group}-{name}")
            begun.append((name, mine, student.consume(mine)))
        for name, mine, run in begun:
            judge_failure(student, mine, run, name)
            if name == names[0]:
                judge_next_call(student, topic.of_group(f"{mine.group}-next"), run.process, name)
            run.process.kill()


def judge_failure(student, topic, run, name: str) -> None:
    """It handles two events, and raises for the third."""
    seen = []
    scene = f"handle() raised {name} for the third of 6 events"
    while len(seen) < 3:
        step = student.step(run)
        assert isinstance(step, Handle), f"6 events were in a topic; {in_words(step, 'it')}"
        seen.append(step.event)
        if len(seen) < 3:
            run.handled()
    student.given(scene)
    run.fails(name)
    step = student.step(run)
    left = isinstance(step, Raised) and step.by_handle
    assert left, f"{scene}: that should leave kafka_consumer unchanged; {in_words(step, 'it')}"
    handled = seen[:-1]
    if student.commits_all(topic, handled):
        passed = topic.passed(handled)
        assert not passed or student.commits_early, (
            f"{scene}: that event should come again; the committed offset has passed "
            f"{topic.these(passed)}"
        )
        return
    assert student.commits_another, (
        f"{scene}: the events before it should not come again; of {topic.these(handled)} the "
        f"committed offsets have not passed {topic.these(topic.not_passed(handled))}"
    )


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
    last = rng.choice(REFUSALS)
    begun = [
        (
            error,
            student.consume(
                topic.of_group(f"{topic.group}-{error}"), max_events=1 if error == last else 1000
            ),
        )
        for error in REFUSALS
    ]
    first = [student.step(run) for _, run in begun]
    for (error, run), begins in zip(begun, first, strict=True):
        scene = f"2 events were in a topic, and the broker refused the commit of the first: {error}"
        if error == last:
            scene = f"{scene} (max_events is 1)"
        student.given(scene)
        if not isinstance(begins, Handle):
            return  # 06.delivers tells
        with student.refusing("OffsetCommit", error):
            run.handled()
            step = student.moves(run, LONGEST)
        if isinstance(step, Raised):
            continue
        # Nothing was refused of who had committed before, or has not yet.
        if student.commits_early or (
            isinstance(step, Handle | Returned) and student.commits_another
        ):
            return  # 06.commit-after-handle or 06.commit-is-next tells
        did = f"for {LONGEST:g} s it did nothing" if step is None else in_words(step, "it")
        raise AssertionError(f"{scene}; kafka_consumer should raise; {did}")


# Leaving --------------------------------------------------------------------------------


@pytest.mark.check("06.leaves-the-group")
def test_the_group_is_left_on_every_way_out(student, new_topic, trips):
    """After a return, after an exception of handle, and after a commit that is refused."""
    topic, events = new_topic(1), trips(2)
    topic.put(0, *events)
    begun, ended = [], 0
    with student.service.recording() as recorded:
        for way in ("return", "HandlerError", *exceptions.STOPPING):
            mine = topic.of_group(f"{topic.group}-{way}")
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
                continue  # 06.handler-error or 06.stops tells
            ended += 1
            if not recorded.requests("JoinGroup"):
                return  # there is no group to leave: 06.groups tells
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
        if not isinstance(student.step(run), Handle):
            return  # 06.delivers tells
        with student.refusing("OffsetCommit", "GROUP_AUTHORIZATION_FAILED"):
            run.handled()
            raised = isinstance(student.moves(run, REFUSED_WITHIN), Raised)
        joined = raised and recorded.requests("JoinGroup")
        left = not joined or student.comes(lambda: recorded.requests("LeaveGroup"))
    assert left, (
        "the broker refused a commit, and kafka_consumer raised: it should have left the group; the "
        "broker got no LeaveGroup from it"
    )


# Two members ----------------------------------------------------------------------------


@pytest.mark.last
@pytest.mark.check("06.takeover", leans_on="06.groups")
def test_the_partitions_of_a_killed_member_are_taken_over(judge_scene, waits, student):
    """With the event that it was killed in."""
    judge_scene("killed", lambda pair: judge_takeover(waits, student, pair))


def judge_takeover(waits, student, pair) -> None:
    """The one that lives on handles what the other one has not."""
    pair.kill_one()
    topic = pair.topic
    if not pair.given or waits.gives_up(pair.instead):
        assert student.handles, (
            "events were in a topic: kafka_consumer should handle them; it handled none, so that there "
            "is nothing to take over"
        )
        return  # there is no group, as 06.groups tells; or 06.quiet tells
    assert pair.shared, (
        "two members of a group were to have one of 2 partitions each, and to handle what came, "
        "before one of them was killed; they did not get that far"
        + (f": {in_words(pair.instead, 'one')}" if pair.instead else "")
    )
    scene = (
        f"two members had a partition each, and one was killed inside handle() of "
        f"{topic.these([pair.held])}"
    )
    wanted = [event for event in pair.events if event not in pair.done]
    seen, step = [], None
    while not all(event in seen for event in wanted):
        step = student.moves(pair.runs[1], pair.patience)
        if not isinstance(step, Handle):
            break
        if step.event not in pair.done:  # what comes again is 06.commit-is-next's business
            seen.append(step.event)
        pair.runs[1].handled()
    else:
        return
    if student.commits_early or waits.gives_up(step):
        return  # 06.commit-after-handle or 06.quiet tells
    raise AssertionError(
        f"{scene}; the other one should take over its partition, and handle {topic.these(wanted)}; "
        f"it handled {topic.these(seen)}" + (f"; {in_words(step, 'it')}" if step else "")
    )


@pytest.mark.last
@pytest.mark.check("06.fenced")
def test_a_member_that_stood_still_cannot_commit_and_raises(judge_scene, student):
    """Another one has got its partition, and handles the event as well."""
    judge_scene("stood still", lambda scene: judge_fenced(student, scene))


def judge_fenced(student, scene) -> None:
    """The other one handles its events; then it goes on, and raises."""
    events, topic = scene.events, scene.topic
    slow, other = scene.runs
    assert isinstance(scene.step, Handle), f"2 events were in a topic; {in_words(scene.step, 'it')}"
    words = (
        f"a member stood still in handle() of {topic.these([scene.step.event])} for longer than "
        "session.timeout.ms"
    )
    if not scene.given:
        return  # there is no group: 06.groups tells
    scene.stop()
    handled = []
    while not all(event in handled for event in events):
        step = student.moves(other, scene.patience)
        if not handled and (step is None or isinstance(step, Returned)) and not scene.disturbed:
            return  # nobody has got its partition, so it may commit: see 06.groups and 06.takeover
        if step is None and student.commits_early:
            break
        assert isinstance(step, Handle), (
            f"{words}: another member got its partition, and should handle both events; "
            + (f"it handled {topic.these(handled)}" if step is None else in_words(step, "it"))
        )
        handled.append(step.event)
        other.handled()
    student.commits_all(topic, handled)
    scene.go_on()
    # Who goes on instead is told that it is no member, and joins again. Another one that joins
    # again says nothing of it.
    student.comes(lambda: not slow.waiting(0) or scene.is_back, scene.patience)
    step = student.moves(slow, REFUSED_WITHIN)
    if step is None and not scene.is_back:
        # Its client waits for the cluster, since its connection stood still with it: nobody sees
        # what it would do. What a refused commit does is test_a_refused_commit_raises' business.
        return
    raised = isinstance(step, Raised)
    if (step is None or isinstance(step, Handle)) and student.commits_another:
        return  # it has not committed yet, which 06.commit-is-next tells
    if not raised and student.commits_early:
        return  # it had committed before, which 06.commit-after-handle tells
    assert raised, (
        f"{words}, and another member has handled its events; then its handle() returned: its commit "
        "is refused, so kafka_consumer should raise; "
        + ("it joined the group again" if step is None else in_words(step, "it"))
    )
