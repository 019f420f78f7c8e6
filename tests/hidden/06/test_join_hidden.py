"""Hidden suite of exercise 06: a second member comes while the first has events in hand.

The test looks at a scene that went on beside the others.
"""

from __future__ import annotations

import pytest

from grader.suite import Returned, leave_to
from grader.suite.steps import in_words


@pytest.mark.last
@pytest.mark.check("06.groups")
def test_a_member_comes_and_leaves_while_another_has_events_in_hand(judge_scene, waits, student):
    """Whatever each of them fetched: every event is handled, and by one of them."""
    judge_scene("joined", lambda scene: judge_joined(waits, student, scene))


def judge_joined(waits, student, scene) -> None:
    """None is lost, none comes twice, and the group has committed all of them."""
    topic = scene.topic
    if scene.held is None:
        did = in_words(scene.ends[0], "it") if scene.ends else "it waited"
        said = f"events were in a topic, and a member of a group began; {did}"
        leave_to("06.delivers", said)
        return
    scene.play()
    words = (
        "a member was in handle() when a second one came to its group, which was to return after "
        f"{scene.of_second} events"
    )
    if scene.may_end:
        return
    if any(map(waits.gives_up, scene.ends)):
        leave_to("06.quiet", f"{words}; one of them returned before everything was handled")
        return
    for step in scene.ends:
        assert isinstance(step, Returned), f"{words}; {in_words(step, 'one of them')}"
    assert not scene.of_the_other, (
        f"{words}; while the second one was in handle() of an event of its partition, the first one "
        f"handled {topic.these(scene.of_the_other)} of the same partition"
    )
    wrong = ""
    if scene.missing:
        number = len(scene.events)
        wrong = f"{words}; of {number} events nobody handled {topic.these(scene.missing)}"
    elif scene.again:
        wrong = (
            f"{words}; it did, and then the first one handled {topic.these(scene.again)}, which the "
            "second one had handled"
        )
    if scene.missing and student.commits_early:
        leave_to("06.commit-after-handle", wrong)
        return
    if wrong and student.commits_another:
        leave_to("06.commit-is-next", wrong)
        return
    assert not wrong, wrong
    judge_commits(student, scene, words)


def judge_commits(student, scene, words) -> None:
    """The committed offsets are those after the last events."""
    topic = scene.topic
    if student.commits_all(topic, scene.events):
        return
    late = topic.these(topic.not_passed(scene.events))
    said = f"{words}; all were handled, and no committed offset has passed {late}"
    assert student.commits_another, said
    leave_to("06.commit-is-next", said)
