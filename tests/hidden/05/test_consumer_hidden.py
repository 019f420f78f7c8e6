"""Hidden suite of exercise 05: stream_consumer where nothing goes wrong."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import pytest

from grader.suite import Handle, Raised
from grader.suite.steps import in_words

PATIENCE = 5.0  # seconds; only a wrong submission waits so long
LONG = 600_000
"""Milliseconds that nothing comes to be old in a test by itself."""

# The group ------------------------------------------------------------------------


@pytest.mark.check("05.group")
def test_stream_and_group_are_created(student, stream, trips):
    """There is no stream; then one without that group, from its first entry on."""
    process = student.process()
    run = student.begin(stream, process)
    step = run.next()
    assert not isinstance(step, Raised), (
        f"there is no stream yet, and stream_consumer should create it; {in_words(step, 'it')}"
    )
    assert stream.group in stream.groups, (
        "there was no stream: stream_consumer should create it with the group, and there is no such "
        "group after it has returned"
    )
    events = trips(4)
    stream.append(*events)
    late = stream.of_group(f"late-{stream.group}")
    run = student.begin(late, process, max_events=4)
    seen = student.finish(run, "4 entries are in the stream, and the group is a new one")
    assert seen == events, (
        "4 entries were in the stream before its second group was created, and a group begins with "
        f"the first entry; it handled {stream.these(seen)}"
    )


@pytest.mark.check("05.group")
def test_a_second_start_goes_on(student, stream, trips):
    """By the same consumer, by another one, in the same process and in a new one."""
    events = trips(8)
    process = student.process()
    for number, (who, where) in enumerate(
        [("mia", process), ("mia", process), ("noah", process), ("mia", student.process())]
    ):
        fresh = events[2 * number : 2 * number + 2]
        stream.append(*fresh)
        scene = (
            f"start {number + 1} in one group; 2 entries were appended since the one before, which "
            "had acknowledged all"
        )
        seen = student.finish(student.begin(stream, where, consumer=who, max_events=2), scene)
        # Whoever begins at the end sees nothing of the first two.
        assert seen == fresh, f"{scene}: it should handle those 2; it handled {stream.these(seen)}"


@pytest.mark.check("05.group")
def test_another_consumer_creates_the_group_at_the_same_time(student, stream, trips):
    """Between a look whether it is there and the request to create it."""
    events = trips(2)
    stream.append(*events)
    with student.service.before("XGROUP", action=stream.create_group, argument=stream.name):
        run = student.begin(stream, max_events=2)
        seen = student.finish(run, "another consumer created the group at the same time")
    assert seen == events, (
        "another consumer created the group at the same time; 2 entries were in the stream, and it "
        f"handled {stream.these(seen)}"
    )


@pytest.mark.check("05.group")
def test_it_consumes_by_the_name_it_was_given(student, stream, trips, rng):
    """In the group is one consumer, with that name."""
    stream.append(*trips(2))
    name = f"taxi {rng.randrange(10**6)}"
    run = student.consume(stream, consumer=name, max_events=2)
    run.next_event()
    held = sorted({each.consumer for each in stream.pending.values()})
    # Whoever holds nothing while it handles is told so by 05.ack-after-handle.
    assert held in ([], [name]), (
        f"stream_consumer was called with consumer={name!r}; its entries were delivered to {held}"
    )


# Delivery -------------------------------------------------------------------------


@pytest.mark.check("05.delivers")
@pytest.mark.parametrize("decode", [False, True])
def test_entries_are_handled_in_order(
    student, new_stream, odd_events, unusual_text, trips, rng, decode
):
    """Events of every kind, before the start; then another stream, with the same process and client."""
    process = student.process(decode_responses=decode)
    many, few = [*odd_events, *unusual_text, *trips(60)], trips(rng.randint(3, 9))
    rng.shuffle(many)
    for stream, events in ((new_stream(), many), (new_stream("trips {} of:today"), few)):
        stream.append(*events)
        run = student.consume(stream, process, max_events=len(events))
        scene = f"{len(events)} entries were in the stream (decode_responses={decode})"
        seen = student.finish(run, scene)
        for number, (event, wanted) in enumerate(zip(seen, events, strict=False), 1):
            assert event == wanted, (
                f"{scene}; number {number} should be {wanted!r:.80}, it handled {event!r:.80}"
            )
        assert len(seen) == len(events), f"{scene}; it handled {len(seen)} events"
        assert run.value == len(events), (
            f"{scene}, and all were handled: return {len(events)}, not {run.value!r}"
        )


@pytest.mark.check("05.delivers")
def test_what_is_appended_later_is_handled(student, stream, trips):
    """While it handles an event, and while it waits; several of one millisecond."""
    events = trips(7)
    stream.append(*events[:1])
    run = student.consume(stream, max_events=7, wait_ms=5000, max_empty_reads=2)
    seen = [run.next_event()]
    stream.append(*events[1:4])
    for number in range(1, 7):
        run.handled()
        if number == 4:
            run.waiting(0.02)  # so that it waits; what comes then must not depend on it
            stream.append(*events[4:])
        seen.append(run.next_event())
    run.handled()
    assert seen == events, (
        "1 entry was there before the start, 3 were appended while it was handled, and 3 later; it "
        f"handled {stream.these(seen)}"
    )
    assert run.returned() == 7, f"7 events were handled: return 7, not {run.value!r}"


# Acknowledging --------------------------------------------------------------------


@pytest.mark.check("05.acks")
@pytest.mark.parametrize("how", ["max_events", "batch", "empty"])
def test_nothing_that_was_handled_is_pending(student, stream, trips, rng, how):
    """It stops at max_events, in the middle of a batch or not, or gives up; some were claimed."""
    events = trips(rng.randint(8, 11))
    stream.append(*events)
    most = {"max_events": len(events), "batch": 7, "empty": 1000}[how]
    handled = []

    def scene() -> None:
        stream.deliver(3, idle=LONG)

    run = student.consume(
        stream, scene=scene, max_events=most, batch_size=4 if how == "batch" else 10, idle_ms=5000
    )
    handled = student.finish(run, f"{len(events)} entries were in the stream")
    ids = [stream.ids[events.index(event)] for event in handled if event in events]
    left = [each for each in stream.pending if each in ids]
    assert not left, (
        f"it handled {stream.these(handled)} of {len(events)} and returned; "
        f"{stream.entries_named(left)} should be acknowledged, and "
        f"{'is' if len(left) == 1 else 'are'} pending"
    )
    gone = [event for event in events if event not in stream.events]
    assert not gone, (
        "an acknowledgement takes nothing out of the stream, which others read too; "
        f"{stream.these(gone)} {'is' if len(gone) == 1 else 'are'} gone from it"
    )


@pytest.mark.check("05.leaves-the-rest")
@pytest.mark.parametrize("fails", [False, True])
def test_entries_beyond_max_events_are_delivered_to_nobody(student, stream, trips, rng, fails):
    """At every event, and at the end; also when handle failed for some."""
    total, size, most = 16, rng.randint(3, 5), rng.randint(6, 8)
    events = trips(total)
    stream.append(*events)
    bad = events[1:4] if fails else []
    run = student.consume(stream, max_events=most, batch_size=size)
    handled, passed = 0, 0
    scene = f"max_events is {most} and batch_size {size}"
    while isinstance(step := run.next(), Handle):
        ahead = len(stream.delivered) - passed
        allowed = min(size, most - handled)
        assert ahead <= allowed, (
            f"{scene}, and {handled} events were handled: at most {allowed} entries should be in "
            f"hand; {ahead} were"
        )
        passed += 1
        if step.event in bad:
            run.fails()
        else:
            handled += 1
            assert handled <= most, f"{scene}; it handled another event after {most}"
            run.handled()
    if isinstance(step, Raised):
        return  # that it goes on after a failure is 05.poison's
    rest = len(stream.delivered) - passed
    assert rest == 0, (
        f"{scene}: after that no entry should be delivered; {rest} were delivered and not handled"
    )


@pytest.mark.check("05.leaves-the-rest")
def test_no_more_is_claimed_than_will_be_handled(student, stream, trips):
    """What another consumer has held for long stays its own beyond max_events."""
    stream.append(*trips(7))
    run = student.consume(
        stream, scene=lambda: stream.deliver(7, idle=LONG), max_events=2, idle_ms=5000
    )
    seen = run.drain()
    pending = stream.pending.values()
    others = sum(each.consumer != "mia" for each in pending)
    more = sum(each.deliveries > 1 for each in pending)
    # Whoever claims nothing is told so by 05.claims, whoever acknowledges nothing by 05.acks.
    assert len(seen) != 2 or (others >= 5 and more <= 2), (
        "another consumer has held 7 entries for long, and max_events is 2: two should be claimed; "
        f"{7 - others} were"
    )


# Several --------------------------------------------------------------------------


@pytest.mark.check("05.two-consumers")
def test_two_of_a_group_share(student, stream, trips):
    """Both wait; of two entries each gets one."""
    first, go = threading.Event(), threading.Event()

    def hold_the_first() -> None:
        # So that the other one creates the group as well: what comes of finding it is 05.group's.
        stream.destroy_group()
        first.set()
        go.wait(PATIENCE)

    def let_both_go() -> None:
        stream.open_group()
        go.set()

    events = trips(2)
    options = {"max_events": 1, "wait_ms": 5000, "max_empty_reads": 1}
    with student.before_it_asks(stream, hold_the_first):
        runs = [student.begin(stream, consumer="mia", **options)]
        wait_for(lambda: first.is_set() or not runs[0].waiting(0))
    with student.before_it_asks(stream, let_both_go):
        runs.append(student.begin(stream, consumer="noah", **options))
        wait_for(lambda: go.is_set() or not runs[1].waiting(0))
    go.set()
    scene = "two consumers of one group wait"
    seen = []
    for number, event in enumerate(events, 1):
        stream.append(event)
        wait_for(lambda: any(not run.waiting(0) for run in runs))
        free = [run for run in runs if not run.waiting(0)]
        assert free, f"{scene}, and an entry was appended; neither handled it"
        step = free[0].next()
        assert isinstance(step, Handle), f"{scene}; {in_words(step, 'one of them')}"
        assert step.event == event, (
            f"{scene}, and entry {number} was appended; one of them handled "
            f"{stream.these([step.event])}"
        )
        seen.append(free[0])
        runs.remove(free[0])
        twice = runs and not runs[0].waiting(0.03)
        assert not twice, (
            f"{scene}, and one entry was appended: one of them should handle it; both went on, the "
            f"other one: {in_words(runs[0].next(), 'it')}"
        )
    for run in seen:
        run.handled()
        assert run.returned() == 1, f"{scene}; each handled 1 event, and one returned {run.value!r}"


@pytest.mark.check("05.two-consumers")
def test_two_groups_each_get_all(student, stream, trips):
    """By turns, each has everything in hand before either has handled it."""
    events = trips(4)
    stream.append(*events)
    groups = [stream, stream.of_group(f"audit-{stream.group}")]
    runs = [student.consume(each, max_events=4) for each in groups]
    for number in range(4):
        for which, run in enumerate(runs, 1):
            event = run.next_event()
            assert event == events[number], (
                f"4 entries are in the stream, for two groups; group {which} should handle "
                f"{stream.these([events[number]])} next, it handled {stream.these([event])}"
            )
        for run in runs:
            run.handled()
    for run in runs:
        assert run.returned() == 4, f"each group handled 4 events; one returned {run.value!r}"


def wait_for(condition) -> None:
    """Wait until it holds; only a wrong submission makes it wait long."""
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.002)


# Waiting --------------------------------------------------------------------------


def reads(recorded) -> list:
    """The requests for what is new."""
    return [each for each in recorded.commands("XREADGROUP") if b">" in each.words]


def judge_waits(recorded, wanted: int, words: str) -> None:
    """Each read asks for that wait."""
    asked = [each.option("BLOCK") for each in reads(recorded)]
    assert asked, "stream_consumer should read what is new, with XREADGROUP; it did not"
    odd = [each for each in asked if each != b"%d" % wanted]
    assert not odd, (
        f"wait_ms is {words}, so every read should ask the server to wait so long, with BLOCK "
        f"{wanted}; one of {len(asked)} asked "
        + ("without BLOCK" if odd[0] is None else f"with BLOCK {odd[0].decode()!r:.20}")
    )


@pytest.mark.check("05.waits")
def test_it_gives_up_after_empty_reads_in_a_row(student, consumer, new_stream, rng):
    """Nothing ever comes; twice in a process, and by default."""
    process = student.process()
    for most in (rng.randint(2, 4), None, 1):
        stream, wait = new_stream(), rng.randint(3, 9)
        words = f"the stream is empty, and max_empty_reads is {most or 'the default, 5'}"
        consumer.given(words)
        with student.service.recording() as recorded:
            run = student.consume(stream, process, wait_ms=wait, max_empty_reads=most)
            value = run.returned()
        judge_waits(recorded, wait, str(wait))
        assert len(reads(recorded)) == (most or 5), f"{words}; it read {len(reads(recorded))} times"
        assert value == 0, f"{words}: return 0, not {value!r}"


@pytest.mark.check("05.waits")
def test_the_default_wait(student, stream, trips):
    """One second, and no other read than those that ask for it."""
    stream.append(*trips(3))
    with student.service.recording() as recorded:
        student.consume(stream, max_events=3, batch_size=2, wait_ms=None).drain()
    judge_waits(recorded, 1000, "the default, 1000")


@pytest.mark.check("05.waits")
@pytest.mark.parametrize("what", ["handled", "fails", "bad"])
def test_a_read_with_entries_starts_the_count_anew(student, stream, trips, rng, what):
    """Two entries, each after all but one of the empty reads that it takes to give up."""
    most = rng.randint(2, 3)
    entries = [b"{oops", b"42"] if what == "bad" else trips(2)
    with student.service.recording() as recorded, ExitStack() as at_end:
        for number, entry in zip((most, 2 * most), entries, strict=True):
            at_end.enter_context(
                student.service.before(
                    "XREADGROUP",
                    action=lambda entry=entry: stream.append(entry),
                    number=number,
                    argument=">",
                )
            )
        run = student.consume(
            stream, max_events=9, max_empty_reads=most, wait_ms=rng.randint(3, 9), idle_ms=LONG
        )
        while isinstance(step := run.next(), Handle):
            if what == "fails":
                run.fails()
            else:
                run.handled()
    if what != "handled" and isinstance(step, Raised):
        return  # that it goes on is another check's
    assert not isinstance(step, Raised), (
        f"max_empty_reads is {most}: it should give up and return; {in_words(step, 'it')}"
    )
    words = {"handled": "which is handled", "fails": "handle() raises", "bad": "which is bad"}
    count = len(reads(recorded))
    assert count == 3 * most, (
        f"max_empty_reads is {most}, and reads {most} and {2 * most} bring an entry ({words[what]}): "
        f"it should give up after read {3 * most}, it did after read {count}"
    )
