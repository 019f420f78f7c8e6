"""Hidden suite of exercise 05: what stream_consumer handles, acknowledges, and leaves."""

from __future__ import annotations

import json
import re

import pytest
from stream_seen import LONG, PATIENCE

from grader.services.redis.commands import Command
from grader.suite import Handle, Raised, leave_to
from grader.suite.content import RETURNED, count_of, listed, same
from grader.suite.steps import in_words, shorten

SHORT_IDLE = 40
"""Milliseconds: an idle_ms that a handle takes longer than."""

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
        # The short ones have the default wait.
        waits = {} if stream is first else {"wait_ms": None, "max_empty_reads": 2}
        run = student.consume(stream, process, max_events=len(events), **waits)
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


@pytest.mark.check("05.delivers")
def test_whatever_handle_returns_the_event_is_handled(student, stream, trips, rng):
    """An event for each value, in batches of three: False is no failure, True no wish to end."""
    values = list(RETURNED)
    rng.shuffle(values)
    events = trips(len(values))
    stream.append(*events)
    run = student.consume(stream, max_events=len(values), batch_size=3, max_empty_reads=2)
    seen, said = [], "None"
    while isinstance(step := run.next(), Handle):
        value = values[len(seen) % len(values)]
        seen.append(step.event)
        said = repr(value)
        run.handled(value)
    returned = f"handle() returned {', '.join(map(repr, values))} for {len(values)} events"
    assert not isinstance(step, Raised), f"after handle() returned {said}; {in_words(step, 'it')}"
    assert same(seen, events), (
        f"{returned}, one after the other: each is handled then, once; it handled "
        f"{stream.these(seen)}"
    )
    left = [
        repr(value)
        for value, entry in zip(values, stream.ids, strict=True)
        if entry in stream.pending
    ]
    pending = f", and left pending what it returned {listed(left)} for" if left else ""
    assert not student.miscounts(step.value, len(values)), (
        f"{returned}: each is handled then, so return {len(values)}; it returned {step.value!r}{pending}"
    )


@pytest.mark.check("05.delivers")
def test_a_slow_handle_is_waited_for(student, stream, trips, rng):
    """It takes longer than idle_ms for one event; nobody else is there who could claim it."""
    events = trips(3)
    stream.append(*events)
    slow = rng.randint(1, 2)
    run = student.consume(stream, idle_ms=SHORT_IDLE, batch_size=1, max_events=3, max_empty_reads=3)
    scene = (
        f"3 entries were in the stream; idle_ms is {SHORT_IDLE}, handle() took longer for event "
        f"{slow + 1}, and there is no other consumer"
    )
    seen = []
    while isinstance(step := run.next(), Handle):
        if seen and stream.ids[0] in stream.pending:
            leave_to(
                "05.acks", f"{scene}; batch_size is 1, and entry 1 is pending when 2 is handled"
            )
            return
        seen.append(step.event)
        if step.event == events[slow] and seen.count(step.event) == 1:
            run.waiting(2 * SHORT_IDLE / 1000)  # the time in which it could be given up
        run.handled()
    assert not isinstance(step, Raised), f"{scene}; {in_words(step, 'it')}"
    assert seen == events, f"{scene}: handle each once, in order; it handled {stream.these(seen)}"
    assert not student.miscounts(step.value, 3), f"{scene}: return 3, not {step.value!r}"


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
        max_events=(most := {"max_events": len(events), "batch": 7, "empty": 1000}[how]),
        batch_size=4 if how == "batch" else None,
        idle_ms=None if how == "max_events" else LONG // 2,
    )
    run.process.case.given(f"{len(events)} entries were in the stream")
    handled = []
    while not run.waiting(PATIENCE) and isinstance(step := run.next(), Handle):
        handled.append(step.event)
        run.handled()
    did = f"{len(events)} entries were in the stream, and it handled {stream.these(handled)}"
    if not run.over:
        leave_to("05.waits", f"{did}; for {PATIENCE:.0f} s after that it did nothing")
        return
    # An event that nobody appended has no entry.
    ids = [entry_id for event in handled if (entry_id := stream.id_of(event))]
    due = min(most, len(events))
    if len(ids) < due:
        # Another consumer held three of them.
        missed = "05.claims" if len(ids) >= due - 3 else "05.delivers"
        leave_to(missed, f"{did}; max_events is {most}, so it should handle {due}")
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
    if len(handled) < len(events):
        leave_to("05.delivers", f"5 entries were in the stream; it handled {len(handled)}")


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
            leave_to(
                "05.poison",
                f"{scene}; handle() raised for an event, which it handled again at once",
            )
            return
        seen.append(step.event)
        if step.event in bad:
            run.fails()
        else:
            handled += 1
            assert handled <= most, f"{scene}; it handled another event after {most}"
            run.handled()
    if isinstance(step, Raised):
        words = f"{scene}, and handle() raised for {count_of(bad, 'event')}; {in_words(step, 'it')}"
        leave_to("05.poison" if fails else "05.delivers", words)
        return
    if handled < most:
        leave_to(
            "05.poison" if fails else "05.delivers",
            f"{scene}, and {total} entries were in the stream; it handled {handled}",
        )
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
    if not isinstance(step := run.next(), Handle):
        leave_to("05.delivers", f"{count} entries were in the stream; {in_words(step, 'it')}")
        return
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
    with student.recording() as recorded:
        student.consume(
            stream,
            scene=lambda: stream.deliver(8, idle=LONG),
            max_events=8,
            batch_size=size,
            idle_ms=LONG // 2,
        ).next()
    claims = recorded.commands("XAUTOCLAIM", "XCLAIM")
    if not claims:
        leave_to("05.claims", "another consumer has held 8 entries for long; none was claimed")
        return
    most = max(map(claimed_by, claims))
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
    others = sum(each.consumer != student.name for each in pending)
    more = sum(each.deliveries > 1 for each in pending)
    assert len(seen) <= 2, (
        "another consumer has held 7 entries for long, and max_events is 2: two should be claimed "
        f"and handled; it handled {stream.these(seen)}"
    )
    if len(seen) < 2:
        leave_to(
            "05.claims",
            "another consumer has held 7 entries for long, and max_events is 2: two should be claimed "
            f"and handled; it handled {stream.these(seen)}",
        )
        return
    assert not student.miscounts(run.value, 2), (
        "another consumer has held 7 entries for long, and max_events is 2: two were claimed and "
        f"handled, so return 2, not {run.value!r}"
    )
    claimed = max(7 - others, more)
    assert claimed <= 2, (
        "another consumer has held 7 entries for long, and max_events is 2: two should be claimed; "
        f"{claimed} were"
    )


@pytest.mark.check("05.leaves-the-rest")
def test_what_is_claimed_counts_before_what_is_new(student, stream, trips, rng):
    """Some are old and some are new, all together more than max_events, and fewer than a batch."""
    old, fresh = rng.randint(2, 3), rng.randint(1, 2)
    most = old + fresh
    stream.append(*trips(old + 6))
    run = student.consume(
        stream,
        scene=lambda: stream.deliver(old, idle=LONG),
        max_events=most,
        idle_ms=LONG // 2,
        batch_size=10,
        max_empty_reads=2,
    )
    words = (
        f"another consumer has held {old} entries for long, 6 are new, and max_events is {most}, fewer "
        "than batch_size"
    )
    seen = []
    while isinstance(step := run.next(), Handle):
        done = [stream.id_of(event) for event in seen]
        hand = [
            e for e in stream.pending.values() if e.consumer == student.name and e.id not in done
        ]
        assert len(hand) <= most - len(seen), (
            f"{words}: when {count_of(seen, 'event')} of {most} were handled, at most {most - len(seen)} "
            f"entries should be in hand; {len(hand)} were"
        )
        seen.append(step.event)
        run.handled()
    assert not isinstance(step, Raised), f"{words}; {in_words(step, 'it')}"
    done = [stream.id_of(event) for event in seen]
    if len(seen) < most:
        missed = "05.claims" if fresh <= len(seen) else "05.delivers"
        leave_to(missed, f"{words}; it handled {stream.these(seen)}")
    mine = [each for each in stream.pending.values() if each.consumer == student.name]
    left = [each.id for each in mine if each.id not in done]
    assert not left, f"{words}: {stream.entries_named(left)} should be delivered to nobody"
