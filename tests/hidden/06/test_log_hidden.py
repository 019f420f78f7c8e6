"""Hidden suite of exercise 06: replay and lag."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from kafka_student import SHORT_SESSIONS

from grader.suite import Handle, Kept, Raised, Returned, exceptions, leave_to
from grader.suite.content import BAD, RETURNED, same
from grader.suite.steps import in_words, shorten

PATIENCE = 10.0
"""Seconds; only a wrong submission waits so long."""
RAISED = (*exceptions.ORDINARY, *exceptions.KAFKA, *exceptions.STOPPING)


# Replaying ------------------------------------------------------------------------


@pytest.mark.check("06.replay")
def test_everything_is_replayed_and_nothing_moves(
    student, new_topic, odd_events, unusual_text, trips, rng
):
    """With bad messages, an empty partition, and what was trimmed; twice in a process."""
    process = student.process()
    settings = student.settings(SHORT_SESSIONS)
    process.keep("settings", settings)
    topic, none = new_topic(4), new_topic(2)
    many = [*odd_events, *unusual_text, *trips(rng.randint(90, 120))]
    # What holds an event, or is none for its bytes, is 06.bad-message's.
    bad = [each for each in BAD if each.isascii() and b"{" not in each]
    # The empty partition is not the last one.
    one, two, trimmed = rng.sample(sorted({*range(4)} - {rng.randrange(3)}), 3)
    topic.put(one, *bad[:4])
    topic.scatter(rng, *many, among=(one, two))
    topic.put(one, b"", None)
    topic.put(two, *bad[4:])
    topic.put_one_by_one(trimmed, *trips(4))
    topic.trim(trimmed, before=2)
    topic.commit({one: 7, two: 3})
    before = topic.committed
    gone = topic.of_partition(trimmed)[:2]
    wanted = [event for event in topic.everything if event not in gone]
    with student.service.recording() as recorded:
        for number, (each, events) in enumerate(((topic, wanted), (none, []), (topic, wanted)), 1):
            scene = (
                f"call {number} of replay in a process; the topic holds {len(events)} events in "
                f"{each.count} partitions, and bad messages"
            )
            student.given(scene)
            run = student.replay(each, process, Kept("settings"))
            handled = run.drain()
            each.judge_order(only_events(handled, scene), events, scene)
            assert run.value == len(handled), (
                f"{scene}; all were handled: return {len(handled)}, not {shorten(run.value)}"
            )
    assert topic.committed == before, (
        f"replay should move no committed offset; a group had committed {before}, and after it "
        f"{topic.committed}"
    )
    commits = recorded.requests("OffsetCommit")
    assert not commits, (
        f"replay should move no committed offset; it committed for the group {commits[0].group!r}"
    )
    student.judge_settings(process, settings, "replay")


@pytest.mark.check("06.replay")
def test_a_replay_whatever_handle_returns(student, new_topic, trips, rng):
    """False or None says nothing of the event, and does not end the replay."""
    values = [*rng.sample(RETURNED, len(RETURNED)), None]  # the last one could end nothing
    topic, events = new_topic(2), trips(len(values))
    number = rng.randrange(2)
    topic.put(number, *events[:2], *[b"-"] * 3, *events[2:])
    scene = (
        f"{len(events)} events were in a partition, 3 bad messages between them, and handle() "
        f"returned {', '.join(map(repr, values))} for them"
    )
    student.given(scene)
    run, seen = student.replay(topic), []
    while isinstance(step := run.next(), Handle):
        seen.append(step.event)
        run.handled(values[len(seen) - 1] if len(seen) <= len(values) else None)
    assert isinstance(step, Returned), f"{scene}; {in_words(step, 'it')}"
    topic.judge_order(only_events(seen, scene), events, scene)


def only_events(seen: list, scene: str) -> list:
    """Those that are events: what is taken for one is 06.bad-message's business."""
    for each in seen:
        if not isinstance(each, dict):
            leave_to("06.bad-message", f"{scene}; it handled {shorten(each)}, which is no event")
            break
    return [each for each in seen if isinstance(each, dict)]


@pytest.mark.check("06.replay")
def test_two_replays_at_a_time(student, new_topic, trips):
    """And a member of a group, which keeps its partitions."""
    topic, events = new_topic(2), trips(6)
    topic.spread(*events)
    runs = [student.replay(topic) for _ in range(2)]
    student.given("two replays of a topic with 6 events go on at the same time")
    seen = [[step.event] for step in map(student.step, runs) if isinstance(step, Handle)]
    assert len(seen) == len(runs), (
        "two replays of a topic with 6 events began at the same time, and only one got an event"
    )
    for run, mine in zip(runs, seen, strict=True):
        run.handled()
        all_of_it = mine + run.drain()
        assert same(all_of_it, events), (
            "two replays of a topic with 6 events went on at the same time, and each should handle "
            f"all; one handled {topic.these(all_of_it)}"
        )


@pytest.mark.check("06.replay")
def test_a_topic_that_grows_is_replayed(student, new_topic, trips, rng):
    """One partition is read to its end, grows, and is read to its end again, before another is."""
    topic, events = new_topic(2), trips(rng.randint(9, 11))
    short = rng.randrange(2)
    topic.put(short, events[0])
    topic.put_one_by_one(1 - short, *events[1:])  # a batch for each: an answer brings one of them
    name = student.namer()
    scene = (
        f"{len(events)} events were in a topic, one of them in partition {short}, to which others were "
        "published while the topic was replayed"
    )
    student.given(scene)
    with ExitStack() as at_end:
        for number, event in zip((3, 5, 7), trips(3), strict=True):
            at_end.enter_context(
                student.service.before(
                    "Fetch",
                    action=lambda event=event: topic.put(short, event),
                    number=number,
                    client=name,
                )
            )
        run = student.replay(topic, settings=student.settings(SHORT_SESSIONS, client_id=name))
        seen = only_events(run.drain(), scene)
    missing = [event for event in events if event not in seen]
    assert not missing, (
        f"{scene}; it should handle all that the topic held before; {topic.these(missing)} did not come"
    )


@pytest.mark.check("06.replay")
def test_what_handle_raises_leaves_replay(student, new_topic, trips):
    """Any exception, unchanged; the next call in the process begins anew."""
    topic, events = new_topic(1), trips(2)
    topic.put(0, *events)
    process = student.process()
    for name in RAISED:
        run = student.replay(topic, process)
        step = student.step(run)
        assert step == Handle(events[0]), (
            f"a topic of 2 events was replayed once more in a process; {in_words(step, 'it')}"
        )
        student.given(f"handle() raised {name} for event 1")
        run.fails(name)
        step = run.next()
        left = isinstance(step, Raised) and step.by_handle
        assert left, (
            f"handle() raised {name} for event 1, which should leave replay unchanged; "
            f"{in_words(step, 'it')}"
        )
    closed = student.service.wait_closed(PATIENCE)
    assert closed, (
        f"handle() raised {name} for event 1, and that left replay: it should have closed its "
        f"consumer; {PATIENCE:.0f} s later a connection to the broker was still open"
    )


@pytest.mark.check("06.replay")
def test_a_replay_does_not_end_at_an_error_that_passes(student, new_topic, trips):
    """It goes on, or raises; a return says that these were all."""
    topic, events = new_topic(1), trips(4)
    topic.put(0, *events)
    scene = f"{len(events)} events were in a topic, and the broker first answered with REQUEST_TIMED_OUT"
    student.given(scene)
    with student.refusing("Fetch", "REQUEST_TIMED_OUT"):
        run = student.replay(topic)
        seen = []
        while isinstance(step := student.step(run), Handle):
            seen.append(step.event)
            run.handled()
    assert isinstance(step, Raised) or same(seen, events), (
        f"{scene}; replay handled {topic.these(seen)}, and returned"
    )


@pytest.mark.last
@pytest.mark.check("06.replay")
def test_a_replay_waits_for_a_slow_answer(waits, student):
    """For seconds nothing comes, and that is not the end of the log."""
    slow = waits.look("replay")
    events = slow.topic.everything
    early, seconds = slow.end()
    scene = (
        f"{len(events)} events were in a topic, and the broker's first answer took {seconds:g} s"
    )
    student.given(scene)
    assert early is None or isinstance(early, Handle), f"{scene}; {in_words(early, 'it')}"
    seen = [early.event] if early else []
    if early:
        slow.run.handled()
    seen += slow.run.drain()
    assert same(seen, events), f"{scene}; replay handled {slow.topic.these(seen)}"


# Lag ------------------------------------------------------------------------------


def judge_lag(student, topic, process, wanted: dict, scene: str, settings=None) -> None:
    """It is that for each partition."""
    value = student.lag(topic, process, settings)
    is_counts = isinstance(value, dict) and all(
        isinstance(each, int) and not isinstance(each, bool)
        for pair in value.items()
        for each in pair
    )
    assert is_counts, (
        f"{scene}: lag should return a dict of int, a count for each partition; it returned "
        f"{shorten(value)}"
    )
    assert value == wanted, f"{scene}: the lag is {wanted}; lag returned {shorten(value)}"


@pytest.mark.check("06.lag")
def test_the_end_minus_what_is_committed(student, new_topic, rng):
    """Where nothing is committed, or some, or all; of three groups and two topics, in one process."""
    process = student.process()
    settings = student.settings(SHORT_SESSIONS)
    process.keep("settings", settings)
    # More of them than an answer of a page would have.
    topic, other = new_topic(rng.randint(11, 14)), new_topic(2)
    groups = [topic, topic.of_another_group(), topic.of_another_group()]
    kept = Kept("settings")
    numbers = range(topic.count)
    nothing = dict.fromkeys(numbers, 0)
    with student.service.recording() as recorded:
        judge_lag(student, topic, process, nothing, "nothing was published yet", kept)
        for number in numbers:
            topic.put(number, *({"number": n} for n in range(rng.randint(5, 30))))
        other.put(1, {"number": 1})
        ends = topic.ends
        scene = f"the partitions end at {ends}, and nothing is committed"
        judge_lag(student, topic, process, ends, scene, kept)
        some = {0: rng.randint(1, 4), 1: 0, 2: ends[2], topic.count - 1: rng.randint(1, 4)}
        topic.commit(some)
        groups[1].commit(ends)
        scene = f"the partitions end at {ends}, and the group has committed {some}"
        left = {number: ends[number] - some.get(number, 0) for number in numbers}
        judge_lag(student, topic, process, left, scene, kept)
        scene = "the group has committed everything, and another one not"
        judge_lag(student, groups[1], process, nothing, scene, kept)
        scene = f"the partitions end at {ends}; others have committed, and this group not"
        judge_lag(student, groups[2], process, ends, scene, kept)
        judge_lag(student, other, process, {0: 0, 1: 1}, "another topic holds one event", kept)
        scene = f"the partitions end at {ends}, and the group has committed {some}"
        judge_lag(student, topic, process, left, scene, kept)
    joined = recorded.requests("JoinGroup")
    assert not joined, (
        f"lag should join no group, whose members would have to share with it; it joined "
        f"{joined[0].group!r}"
    )
    moved = recorded.requests("OffsetCommit")
    assert not moved, "lag should commit nothing; it did"
    student.judge_settings(process, settings, "lag")


@pytest.mark.check("06.lag")
def test_the_lag_after_the_log_was_trimmed(student, new_topic, rng):
    """The group is further than that, or has committed nothing: it would begin at what is left."""
    topic = new_topic(2)
    total, gone, done = 9, rng.randint(2, 3), rng.randint(5, 7)
    for number in range(2):
        topic.put_one_by_one(number, *({"number": n} for n in range(total)))
        topic.trim(number, before=gone)
    topic.commit({0: done})
    wanted = {0: total - done, 1: total - gone}
    scene = (
        f"of 2 partitions of {total} messages the first {gone} were deleted, and the group has "
        f"committed {done} in partition 0 and nothing in partition 1"
    )
    judge_lag(student, topic, student.process(), wanted, scene)
