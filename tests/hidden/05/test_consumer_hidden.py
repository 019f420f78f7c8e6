"""Hidden suite of exercise 05: stream_consumer where nothing goes wrong."""

from __future__ import annotations

import json
import re
import time
from contextlib import ExitStack

import pytest
from stream_seen import LONG, PATIENCE

from grader.services.redis.commands import Command
from grader.suite import Handle, Raised
from grader.suite.content import count_of, same
from grader.suite.steps import in_words, shorten

# The group ------------------------------------------------------------------------


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
    # Whoever passes over what an earlier call has handled is told so by 05.two-consumers.
    assert same(seen[-2:], events[2:]), (
        f"{scene}: it should create the group, from the first entry on; it handled "
        f"{stream.these(seen)}"
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


# Delivery -------------------------------------------------------------------------


@pytest.mark.check("05.delivers")
@pytest.mark.parametrize("decode", [False, True])
def test_entries_are_handled_in_order(
    student, new_stream, odd_events, unusual_text, trips, rng, decode
):
    """Events of every kind, before the start; then two more streams, in the same process.

    The second one's entries have other fields too; for the third the client is of the other kind.
    """
    process = student.process(decode=decode)
    many, few = [*odd_events, *unusual_text, *trips(60)], trips(rng.randint(3, 9))
    rng.shuffle(many)
    first, second, third = new_stream(), new_stream("trips {} of:today"), new_stream()
    first.append(*many)
    for event in few:
        second.append_fields(source="meter 7", event=json.dumps(event), note='{"event_id": 1}')
    third.append(*few[:2])
    for stream, events in ((first, many), (second, few), (third, few[:2])):
        scene = f"{len(events)} entries were in the stream (decode_responses={decode})"
        if stream is second:
            scene = f"{scene}, with the fields source, event and note"
        if stream is third:
            student.keep_client(process, decode=not decode)
            scene = (
                f"{len(events)} entries were in the stream (decode_responses={not decode}; the call "
                f"before, in the same process, had a client with decode_responses={decode})"
            )
        run = student.consume(stream, process, max_events=len(events))
        seen = student.finish(run, scene)
        for number, (event, wanted) in enumerate(zip(seen, events, strict=False), 1):
            assert event == wanted, (
                f"{scene}; number {number} should be {wanted!r:.80}, it handled {event!r:.80}"
            )
        assert len(seen) == len(events), (
            f"{scene}; it handled {len(seen)} events and returned {shorten(run.value)}"
        )
        assert run.value == len(events), (
            f"{scene}, and all were handled: return {len(events)}, not {shorten(run.value)}"
        )


@pytest.mark.check("05.delivers")
def test_what_is_appended_meanwhile_is_handled(student, stream, trips):
    """While it handles an event; several of one millisecond."""
    events = trips(7)
    stream.append(*events[:1])
    run = student.consume(stream, max_events=7)
    seen = [run.next_event()]
    for number in range(1, 7):
        if number in (1, 4):
            stream.append(*events[number : number + 3])
        run.handled()
        seen.append(run.next_event())
    run.handled()
    assert seen == events, (
        "1 entry was there before the start, 3 were appended while it was handled, and 3 while event "
        f"4 was; it handled {stream.these(seen)}"
    )
    value = run.returned()
    assert value == 7, f"7 events were handled: return 7, not {value!r}"


# Acknowledging --------------------------------------------------------------------


@pytest.mark.check("05.acks")
@pytest.mark.parametrize("how", ["max_events", "batch", "empty"])
def test_nothing_that_was_handled_is_pending(student, stream, trips, rng, how):
    """It stops at max_events, in the middle of a batch or not, or gives up; some were claimed."""
    events = trips(rng.randint(8, 11))
    stream.append(*events)
    run = student.consume(
        stream,
        scene=lambda: stream.deliver(3, idle=LONG),
        max_events={"max_events": len(events), "batch": 7, "empty": 1000}[how],
        batch_size=4 if how == "batch" else 10,
        idle_ms=LONG // 2,
    )
    run.process.case.given(f"{len(events)} entries were in the stream")
    handled = []
    while not run.waiting(PATIENCE) and isinstance(step := run.next(), Handle):
        handled.append(step.event)
        run.handled()
    if not run.over:
        return  # whoever does not give up is told so by 05.waits
    # An event that nobody appended, which 05.delivers tells, has no entry.
    ids = [entry_id for event in handled if (entry_id := stream.id_of(event))]
    left = [each for each in stream.pending if each in ids]
    assert not left, (
        f"it handled {stream.these(handled)} of {len(events)} and returned; "
        f"{stream.entries_named(left)} should be acknowledged, and "
        f"{'is' if len(left) == 1 else 'are'} pending"
    )
    there = [entry_id for entry_id, _ in stream.entries]
    gone = [entry_id for entry_id in ids if entry_id not in there]
    assert not gone, (
        f"an acknowledgement takes nothing out of the stream, which others read too; of "
        f"{len(stream.ids)} entries {len(gone)} are gone from it"
    )


@pytest.mark.check("05.acks")
def test_it_acknowledges_while_it_goes_on(student, stream, trips):
    """What one read brought is acknowledged before the next read: a crash then repeats no more."""
    events = trips(5)
    stream.append(*events)
    run = student.consume(stream, max_events=5, batch_size=2)
    handled = []
    while isinstance(step := run.next(), Handle):
        left = [each for each in handled[: len(handled) // 2 * 2] if each in stream.pending]
        assert not left, (
            f"batch_size is 2, and it handles event {len(handled) + 1}: "
            f"{stream.entries_named(left)}, handled before, should be acknowledged by now"
        )
        handled.append(stream.id_of(step.event))
        run.handled()


@pytest.mark.check("05.leaves-the-rest")
@pytest.mark.parametrize("fails", [False, True])
def test_entries_beyond_max_events_are_delivered_to_nobody(student, stream, trips, rng, fails):
    """At every event, and at the end; also when handle failed for some."""
    # The last batch is a part of one: whoever always asks for whole ones takes too many.
    total, (size, most) = 16, rng.choice([(3, 7), (3, 8), (4, 6), (4, 7), (5, 6), (5, 7), (5, 8)])
    events = trips(total)
    stream.append(*events)
    bad = events[1:4] if fails else []
    run = student.consume(stream, max_events=most, batch_size=size)
    handled, passed, seen = 0, 0, []
    scene = f"max_events is {most} and batch_size {size}"
    while isinstance(step := run.next(), Handle):
        ahead = len(stream.delivered) - passed
        allowed = min(size, most - handled)
        assert ahead <= allowed, (
            f"{scene}, and it has handled {count_of(handled, 'event')}: at most {allowed} entries "
            f"should be in hand; {ahead} were"
        )
        passed += 1
        if step.event in seen:
            return  # whoever handles a failed one again at once is told so by 05.poison
        seen.append(step.event)
        if step.event in bad:
            run.fails()
        else:
            handled += 1
            assert handled <= most, f"{scene}; it handled another event after {most}"
            run.handled()
    if isinstance(step, Raised):
        return  # that it goes on after a failure is 05.poison's
    rest = len(stream.delivered) - passed
    assert rest <= 0, (
        f"{scene}: after that no entry should be delivered; {rest} were delivered and not handled"
    )


@pytest.mark.check("05.leaves-the-rest")
def test_the_default_batch(student, stream, trips, rng):
    """Ten entries."""
    count = rng.randint(14, 18)
    stream.append(*trips(count))
    run = student.consume(stream, max_events=count)
    if not isinstance(run.next(), Handle):
        return  # 05.delivers tells
    hand = len(stream.delivered)
    assert hand <= 10, (
        f"max_events is {count} and batch_size the default, 10: when it handles the first event, at "
        f"most 10 entries should be in hand; {hand} were"
    )


@pytest.mark.check("05.leaves-the-rest")
def test_a_claim_asks_for_no_more_than_a_batch(student, stream, trips, rng):
    """How many claims it makes before it handles anything is its own affair."""
    size = rng.randint(2, 3)
    stream.append(*trips(8))
    with student.service.recording() as recorded:
        student.consume(
            stream,
            scene=lambda: stream.deliver(8, idle=LONG),
            max_events=8,
            batch_size=size,
            idle_ms=LONG // 2,
        ).next()
    most = max(map(claimed_by, recorded.commands("XAUTOCLAIM", "XCLAIM")), default=0)
    assert most <= size, (
        f"another consumer has held 8 entries for long, and batch_size is {size}: a claim should ask "
        f"for {size} at most; one asked for {most}"
    )


def claimed_by(command: Command) -> int:
    """How many entries a claim asks for at most."""
    if command.name == "XAUTOCLAIM":
        return int(command.option("COUNT") or 100)  # the server's own default
    return sum(re.fullmatch(rb"\d+-\d+", word) is not None for word in command.words[5:])


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
    assert len(seen) <= 2, (
        "another consumer has held 7 entries for long, and max_events is 2: two should be claimed "
        f"and handled; it handled {stream.these(seen)}"
    )
    assert len(seen) != 2 or not student.miscounts(run.value, 2), (
        "another consumer has held 7 entries for long, and max_events is 2: two were claimed and "
        f"handled, so return 2, not {run.value!r}"
    )
    assert len(seen) != 2 or (others >= 5 and more <= 2), (
        "another consumer has held 7 entries for long, and max_events is 2: two should be claimed; "
        f"{7 - others} were"
    )


# Several --------------------------------------------------------------------------


@pytest.mark.check("05.two-consumers")
def test_two_of_a_group_share(student, stream, trips):
    """While one handles an entry, the other one gets the next."""
    first, second = trips(2)
    (held,) = stream.append(first)
    runs = [student.consume(stream, consumer="mia", max_events=1)]
    runs[0].process.case.given("an entry was appended")
    event = runs[0].next_event()
    assert event == first, f"an entry was appended; a consumer handled {stream.these([event])}"
    stream.append(second)
    # The other one creates the group as well, where the first one is: what comes of finding it
    # there is 05.group's.
    stream.destroy_group()
    runs.append(student.consume(stream, at=held, consumer="noah", max_events=1))
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
        return  # what an acknowledgement takes out of the stream is 05.acks' business
    late = stream.of_group(f"late-{stream.group}")
    scene = "a group had handled 4 entries, and another one began in the same process"
    seen = student.finish(student.consume(late, runs[0].process, max_events=4), scene)
    assert same(seen, events), (
        f"{scene}: it should handle all of them; it handled {stream.these(seen)}"
    )


@pytest.mark.check("05.two-consumers")
def test_what_one_group_gave_up_is_there_for_the_others(student, stream, trips):
    """An entry that one group moves to .dead stays in the stream."""
    stream.append(*trips(3))
    run = student.consume(
        stream,
        scene=lambda: stream.deliver(1, idle=LONG, deliveries=7),
        idle_ms=LONG // 2,
        max_events=2,
    )
    student.given("an entry was delivered 7 times without success, and 2 are new")
    while isinstance(run.next(), Handle):
        run.handled()
    # What is deleted when it was handled is 05.acks' business.
    moved = stream.ids[0]
    assert moved in [entry_id for entry_id, _ in stream.entries], (
        "a group moved an entry to .dead, and every other group should still get it; it is gone from "
        "the stream"
    )


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
        stream.make_empty()
        words = f"the stream is empty, and max_empty_reads is {most or 'the default, 5'}"
        consumer.given(words)
        with student.service.recording() as recorded:
            run = student.consume(stream, process, wait_ms=wait, max_empty_reads=most)
            value = run.returned()
        judge_waits(recorded, wait, str(wait))
        assert len(reads(recorded)) == (most or 5), f"{words}; it read {len(reads(recorded))} times"
        assert not student.miscounts(value, 0), f"{words}: return 0, not {value!r}"


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
    stream.make_empty()
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
        seen = []
        while isinstance(step := run.next(), Handle):
            if step.event in seen:
                return  # whoever handles a failed one again at once is told so by 05.poison
            seen.append(step.event)
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
    if what == "handled":
        assert not student.miscounts(step.value, len(seen)), (
            f"it handled {len(seen)} events, and gave up after max_empty_reads empty reads: return "
            f"{len(seen)}, not {step.value!r}"
        )
    count = len(reads(recorded))
    assert count == 3 * most, (
        f"max_empty_reads is {most}, and reads {most} and {2 * most} bring an entry ({words[what]}): "
        f"it should give up after read {3 * most}, it did after read {count}"
    )
