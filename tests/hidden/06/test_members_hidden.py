"""Hidden suite of exercise 06: two members of a group.

Each test looks at a scene that went on beside the others.
"""

from __future__ import annotations

import pytest

from grader.suite import Handle, Raised, Returned, leave_to
from grader.suite.steps import in_words

PATIENCE = 10.0  # seconds; only a wrong submission waits so long
REFUSED_WITHIN = 3.0
"""Seconds for a member to say that its commit was refused; only a wrong submission waits so long."""

STANDS = 5.0
"""Seconds in one handle(), at the least. The tests after this one are to wait as long anyway."""


# Sharing --------------------------------------------------------------------------------


@pytest.mark.last
@pytest.mark.check("06.groups")
def test_two_members_share_the_partitions(judge_scene, waits, student, trips):
    """ready() comes when a member has been given its partitions; each event is one member's."""
    judge_scene("pair", lambda pair: judge_shares(waits, student, pair, trips))


def judge_shares(waits, student, pair, trips) -> None:
    """Both are ready, and then each event is handled by one of them."""
    pair.wait()
    if any(map(waits.gives_up, pair.ready)):
        said = "two members of a group began, and nothing was published yet; one of them returned"
        leave_to("06.quiet", said)
        return
    pair.judge_ready()
    topic, events = pair.topic, trips(4 * pair.topic.count)
    topic.spread(*events)
    seen, ends = share(student, pair.runs, events)
    scene = (
        f"{len(events)} events were published to the {topic.count} partitions of a topic, which two "
        "members of a group share"
    )
    for step in ends:
        said = f"{scene}; {in_words(step, 'one')}"
        if waits.gives_up(step):
            leave_to("06.quiet", said)
            return
        # It may not have committed when the second one came.
        assert student.commits_another, said
        leave_to("06.commit-is-next", said)
        return
    both = [event for event in seen[0] if event in seen[1]]
    assert not both, f"{scene}; both handled {topic.these(both)}"
    missing = [event for event in events if event not in seen[0] + seen[1]]
    assert not missing, f"{scene}; neither handled {topic.these(missing)}"
    assert all(seen), f"{scene}; one handled all of them, and the other one none"
    judge_commits(student, pair, seen, trips(1)[0], scene)


def judge_commits(student, pair, seen, event, scene) -> None:
    """The first one, which had all partitions before, commits no more for those of the other one."""
    topic = pair.topic
    if not student.commits_all(topic, topic.everything) and student.commits_another:
        late = topic.these(topic.not_passed(topic.everything))
        said = f"{scene}; all were handled, and no committed offset has passed {late}"
        leave_to("06.commit-is-next", said)
        return
    theirs = {topic.place(each)[0] for each in seen[1]}
    topic.put(next(topic.place(each)[0] for each in seen[0]), event)
    step = student.moves(pair.runs[0], PATIENCE)
    did = in_words(step, "it") if step else f"for {PATIENCE:g} s it did nothing"
    assert isinstance(step, Handle), (
        f"{scene}; all were handled, and then another came to a partition of the first one, which "
        f"should handle it; {did}"
    )
    student.commits_all(topic, [event])
    committed, ends = topic.committed, topic.ends
    for number in theirs:
        assert committed[number] == ends[number], (
            f"{scene}; all were handled, and then the first one handled another, of its own partition: "
            f"of partition {number}, the other's, {ends[number]} should be committed, and "
            f"{committed[number]} is"
        )


def share(student, runs, events: list) -> tuple[list[list], list]:
    """Which of the events each run handles, until all are or nothing comes; how runs ended.

    What was handled before, and comes again, is 06.commit-is-next's business.
    """
    seen, ends = [[] for _ in runs], []
    idle = 0.0
    while sum(map(len, seen)) < len(events) and idle < PATIENCE:
        idle += 0.02
        for run, mine in zip(runs, seen, strict=True):
            if run.over or (step := student.moves(run, 0.01)) is None:
                continue
            idle = 0.0
            if isinstance(step, Handle):
                if step.event in events:
                    mine.append(step.event)
                run.handled()
            else:
                ends.append(step)
    return seen, ends


# Taking over ----------------------------------------------------------------------------


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
        if pair.given:
            leave_to("06.quiet", "two members of a group began; one returned after a while")
            return
        said = f"two members of the group {topic.group!r} began; nobody was given partitions of it"
        assert not pair.disturbed, said  # it is played anew
        leave_to("06.groups", said)
        return
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
    said = (
        f"{scene}; the other one should take over its partition, and handle {topic.these(wanted)}; "
        f"it handled {topic.these(seen)}" + (f"; {in_words(step, 'it')}" if step else "")
    )
    if waits.gives_up(step):
        leave_to("06.quiet", said)
        return
    assert student.commits_early, said
    leave_to("06.commit-after-handle", said)


@pytest.mark.last
@pytest.mark.check("06.commit-after-handle")
def test_an_event_that_takes_long_is_not_committed(judge_scene, student):
    """Neither by the member that stands still, nor by the one that got its partition and stands."""
    judge_scene("stood still", lambda scene: judge_not_committed(student, scene))


def judge_not_committed(student, scene) -> None:
    """While each of them is in its first event, nothing is committed."""
    topic = scene.topic
    assert isinstance(scene.step, Handle), f"2 events were in a topic; {in_words(scene.step, 'it')}"
    scene.stop()
    stood = scene.look(scene.patience)
    if stood is None:
        return  # the other one has got nothing, which the next test judges
    student.comes(lambda: topic.passed([]), max(0.0, STANDS - stood))
    passed = topic.passed([])
    assert not passed, (
        f"2 events were in a topic; a consumer had been in handle() of the first one for "
        f"{max(STANDS, stood):.0f} s, and no event had been handled: no committed offset should have "
        f"passed one; {topic.these(passed)} would come to no consumer of the group"
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
        said = f"{words}; nobody was given partitions of its group, {topic.group!r}"
        assert not scene.disturbed, said  # it is played anew
        leave_to("06.groups", said)
        return
    scene.stop()
    handled = []
    while not all(event in handled for event in events):
        step = student.moves(other, scene.patience)
        if not handled and (step is None or isinstance(step, Returned)) and not scene.disturbed:
            # Nobody has got its partition, so it may commit.
            did = in_words(step, "it") if step else "it handled nothing"
            said = f"{words}; another member should get its partition, and handle 2 events; {did}"
            leave_to("06.takeover", said)
            return
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
    if isinstance(step, Raised):
        return
    said = (
        f"{words}, and another member has handled its events; then its handle() returned: its commit "
        "is refused, so kafka_consumer should raise; "
        + ("it joined the group again" if step is None else in_words(step, "it"))
    )
    if (step is None or isinstance(step, Handle)) and student.commits_another:
        leave_to("06.commit-is-next", said)  # it has not committed yet
        return
    assert student.commits_early, said
    leave_to("06.commit-after-handle", said)  # it had committed before
