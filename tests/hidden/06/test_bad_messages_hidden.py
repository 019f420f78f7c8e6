"""Hidden suite of exercise 06: bad messages, by kafka_consumer and by replay."""

from __future__ import annotations

import pytest

from grader.suite import Handle, Raised, Returned, leave_to
from grader.suite.content import BAD, LENIENT, PADDED, same, why_bad
from grader.suite.steps import in_words, shorten

PATIENCE = 10.0  # seconds; only a wrong submission waits so long
ALMOST = (*(each for each in BAD if b"{" in each), *LENIENT, *PADDED)
"""Bad messages that hold what an event holds, and something that is not JSON."""


@pytest.mark.check("06.bad-message")
def test_bad_messages_are_passed_over(student, new_topic, trips, rng):
    """Of every kind: before, between and after the events, and in a partition with no event."""
    bad = [*BAD, *LENIENT, *PADDED, b"", b" ", None]
    rng.shuffle(bad)
    topic, good = new_topic(3), trips(5)
    topic.put(0, *bad[:3], good[0], *bad[3:7], good[1], good[2], bad[7])
    topic.put(1, *bad[8:], good[3], *bad[:2], good[4], b"", None)
    topic.put(2, *rng.sample(bad, 5))
    count = sum(topic.ends.values()) - len(good)
    scene = f"{len(good)} events and {count} bad messages were in a topic"
    student.given(scene)
    run = student.consume(topic)
    seen = []
    while len(seen) < len(good):
        step = student.step(run)
        assert isinstance(step, Handle), f"{scene}; it should go on; {in_words(step, 'it')}"
        judge_event(step, good, scene)
        seen.append(step.event)
        run.handled()
    assert same(seen, good), f"{scene}; it handled {topic.these(seen)}"
    ends = topic.ends
    if student.comes(lambda: topic.committed == ends):
        return
    left = {n: offset for n, offset in topic.committed.items() if offset != ends[n]}
    if left:
        number, offset = left.popitem()
        said = (
            f"{scene}; after the last of them the end of each partition should be committed; of "
            f"partition {number} that is {ends[number]}, and {offset} was committed"
        )
        if student.commits_another:
            leave_to("06.commit-is-next", said)
            return
        assert student.commits_early, said
        leave_to("06.commit-after-handle", said)


def judge_event(step, good, scene) -> None:
    """It handles one of the events, and none of the bad messages."""
    assert step.event in good, f"{scene}; {in_words(step, 'it')}, {why_bad(step.event)}"


@pytest.mark.check("06.bad-message")
def test_bad_messages_do_not_count(student, new_topic, trips, rng):
    """Neither for max_events nor in what is returned; the second call in a process."""
    process = student.process()
    for _ in range(2):
        topic, good = new_topic(1), trips(4)
        items = [*good[:3], *rng.sample(BAD, 4), b"", None]
        rng.shuffle(items)
        topic.put(0, *items, good[3], *BAD)
        scene = f"4 events and {len(items) - 3} bad messages were in a topic, and max_events is 4"
        student.given(scene)
        run = student.consume(topic, process, max_events=4)
        seen = student.first_events(run, len(good), scene)
        assert same(seen, good), f"{scene}; it handled {topic.these(seen)}"
        step = student.end(run)
        if not isinstance(step, Returned):
            did = in_words(step, "it") if step else "it waits for more"
            leave_to("06.stops", f"{scene}: it should return 4; {did}")
            return
        if step.value != 4:
            said = f"{scene}: return 4, not {shorten(step.value)}"
            assert not isinstance(step.value, int), said
            leave_to("06.stops", said)  # who returns no number at all


@pytest.mark.check("06.bad-message")
def test_bad_messages_are_not_replayed(student, new_topic, trips, rng):
    """Those that hold an event: one function may know them, and the other one not.

    Which events come, how it ends, and what is returned, is 06.replay's business.
    """
    bad = rng.sample(ALMOST, len(ALMOST))
    topic, good = new_topic(4), trips(3)
    topic.put(0, *bad[:2], *good[:2], *bad[2:], good[2])
    scene = f"a topic of {len(good)} events and {len(bad)} bad messages was replayed"
    student.given(scene)
    run = student.replay(topic)
    handled = 0
    while handled < len(good) and isinstance(step := student.moves(run, PATIENCE), Handle):
        judge_event(step, good, scene)
        handled += 1
        run.handled()
    if handled < len(good):
        did = in_words(step, "it") if step else f"for {PATIENCE:g} s it did nothing"
        leave_to("06.replay", f"{scene}; it handled {handled} of the events, and then {did}")
    undecodable = isinstance(step, Raised) and step.type == UnicodeDecodeError.__name__
    assert not undecodable, f"{scene}; it should go on to the end; {in_words(step, 'it')}"
