"""Hidden suite of exercise 05: stream_consumer after a kill, and what others left.

Nobody waits for idle_ms: an onlooker makes pending entries old, with XCLAIM and its IDLE.
"""

from __future__ import annotations

import pytest
from stream_seen import LONG, OTHER, THIRD

from grader.suite import Handle, Raised, leave_to
from grader.suite.content import same
from grader.suite.steps import in_words

# Crashes --------------------------------------------------------------------------


def judge_crash(stream, handled: list, current: str, name: str) -> None:
    """What was not handled is pending, the one in hand for this consumer, or not delivered yet."""
    pending, delivered = stream.pending, stream.delivered
    there = [entry_id for entry_id, _ in stream.entries]
    scene = f"killed inside handle() of event {stream.ids.index(current) + 1} of {len(stream.ids)}"
    assert current in pending, (
        f"{scene}: its entry should be pending, so that it is claimed; it is not pending"
    )
    who = pending[current].consumer
    assert who == name, (
        f"{scene}: its entry should be pending for the consumer {name!r}, as stream_consumer was "
        f"told; it is pending for {who!r}"
    )
    lost = [
        entry_id
        for entry_id in stream.ids
        if entry_id not in handled
        and (entry_id not in there or (entry_id in delivered and entry_id not in pending))
    ]
    assert not lost, (
        f"{scene}: no later consumer can get {stream.entries_named(lost)}, which should be pending, "
        "or not delivered yet"
    )


@pytest.mark.check("05.ack-after-handle")
@pytest.mark.parametrize("claimed", [False, True])
def test_killed_inside_handle_at_every_event(student, new_stream, trips, rng, claimed):
    """Killed while it handles event k: of each of two batches, and far into a long run.

    New ones, and claimed ones; by the defaults, and in batches of two and more.
    """
    defaults = dict.fromkeys(("batch_size", "idle_ms", "wait_ms", "max_empty_reads"))
    pairs = {"batch_size": 2, "idle_ms": LONG // 2}
    some = {"batch_size": rng.randint(3, 6), "idle_ms": 10 * rng.randint(3000, 5000)}
    deep = rng.randint(10, 40)
    kills = ((0, defaults), (1, pairs), (2, pairs), (deep, rng.choice((defaults, defaults, some))))
    for k, options in kills:
        stream, total = new_stream(), k + rng.randint(10, 14)
        events = trips(total)
        stream.append(*events)

        def scene(stream=stream, total=total) -> None:
            if claimed:
                stream.deliver(total, idle=LONG)

        most = rng.choice((total, 1000, 10**6))
        run = student.consume(stream, scene=scene, max_events=most, **options)
        held = f"{total} entries are in the stream"
        held += ", held by another consumer for long" if claimed else ""
        handled = []
        for number in range(k + 1):
            step = run.next()
            words = f"{held}, and it has handled {number}; {in_words(step, 'it')}"
            if claimed and not isinstance(step, Handle):
                leave_to("05.claims", words)
                return
            assert isinstance(step, Handle), words
            current = stream.id_of(step.event)
            assert current, f"{held}; {in_words(step, 'it')}"
            if number < k:
                handled.append(current)
                run.handled()
        run.kill()
        judge_crash(stream, handled, current, student.name)


@pytest.mark.check("05.ack-after-handle")
def test_the_next_start_handles_what_was_in_hand(student, stream, trips):
    """After a kill, by the name of the one that was killed; what it held is old by then."""
    events = trips(3)
    stream.append(*events)
    run = student.consume(stream, batch_size=2, idle_ms=LONG // 2)
    run.next_event(), run.handled()
    second = run.next_event()
    run.kill()
    if second != events[1]:
        leave_to(
            "05.delivers",
            f"3 entries were in the stream; it handled {stream.these([second])} second",
        )
        return
    current = stream.ids[1]
    assert current in stream.pending, (
        "killed inside handle() of event 2 of 3: its entry should be pending, so that it is claimed; "
        "it is not pending"
    )
    stream.age(*stream.pending, idle=LONG)
    words = (
        "killed inside handle() of event 2 of 3, and started again under the same name when what it "
        "had held was old"
    )
    run = student.begin(stream, max_events=2, idle_ms=LONG // 2)
    student.given(words)
    while (step := run.next()) == Handle(events[0]):
        run.handled()  # when that is acknowledged, 05.acks tells
    if isinstance(step, Raised) and "BUSYGROUP" in step.message:
        leave_to("05.group", f"{words}; {in_words(step, 'it')}")
        return
    if step == Handle(events[2]) and current in stream.pending:
        leave_to(
            "05.claims",
            f"{words}: it should claim entry 2 before it reads what is new; it handled 3",
        )
        return
    did = f"it handled {stream.these([step.event])}" if isinstance(step, Handle) else ""
    assert step == Handle(events[1]), (
        f"{words}: it should claim entry 2 and handle it; {did or in_words(step, 'it')}, and entry 2 is "
        f"{'still' if current in stream.pending else 'no longer'} pending"
    )
    who = stream.pending[current].consumer if current in stream.pending else student.name
    assert who == student.name, (
        f"{words}: entry 2 should be pending for the consumer {student.name!r} again, as "
        f"stream_consumer was told; it is pending for {who!r}"
    )


@pytest.mark.check("05.ack-after-handle")
def test_what_it_had_in_hand_before_stays_pending(student, stream, trips):
    """By its name, of a run that was killed a moment ago; nothing fails in this one, and it returns."""
    stream.append(*trips(4))

    def scene() -> None:
        stream.deliver(2, idle=1000, consumer=student.name)

    words = (
        "a consumer was killed with entries 1 and 2 in hand, and a second later one of its name "
        f"handled entries 3 and 4 and returned, with idle_ms={LONG // 2}"
    )
    run = student.consume(stream, scene=scene, idle_ms=LONG // 2, max_events=2)
    seen = student.finish(run, words)
    # Who handles them again at once is told so by 05.poison.
    held = [each for each in stream.ids[:2] if stream.event_of(each) not in seen]
    lost = [each for each in held if each not in stream.pending]
    assert not lost, (
        f"{words}: {stream.entries_named(lost)} should still be pending, so that they are claimed; "
        f"{'it is' if len(lost) == 1 else 'they are'} not, and no consumer can get them"
    )


# Claiming -------------------------------------------------------------------------


@pytest.mark.check("05.claims")
@pytest.mark.parametrize("decode", [False, True])
def test_what_is_old_is_claimed_and_what_is_young_is_left(student, new_stream, trips, rng, decode):
    """By an idle_ms that is given, and by the default; in one process."""
    if student.is_blind(decode=decode):
        return
    process = student.process(decode=decode)
    given = rng.randint(200, 400) * 1000
    # Of the default, the young ones have 29 s to become old in, which no test takes.
    for idle_ms, old, young in ((given, given + 1, given - 100_000), (None, 30_001, 1000)):
        stream = new_stream()
        events = trips(8)
        stream.append(*events)
        olds = sorted(rng.sample(range(6), 3))

        def scene(stream=stream, olds=olds, old=old, young=young) -> None:
            ids = stream.deliver(6, idle=young)
            stream.age(*(ids[number] for number in olds), idle=old)

        run = student.consume(stream, process, scene=scene, idle_ms=idle_ms, max_events=5)
        words = (
            f"another consumer has held {stream.these([events[n] for n in olds])} for {old} ms and "
            f"{stream.these([events[n] for n in range(6) if n not in olds])} for {young} ms, 7 and 8 "
            f"are new; idle_ms is {idle_ms or 'the default, 30000'} (decode_responses={decode})"
        )
        seen = student.finish(run, words)
        wanted = [events[number] for number in (*olds, 6, 7)]
        stolen = [event for event in seen if event not in wanted]
        assert not stolen, (
            f"{words}; it handled {stream.these(stolen)}, which another consumer has held for less "
            "than idle_ms"
        )
        missing = [event for event in wanted if event not in seen]
        assert not missing, f"{words}; it did not handle {stream.these(missing)}"
        assert same(seen[:3], wanted[:3]), (
            f"{words}: what is claimed comes before what is new; it handled {stream.these(seen)}"
        )
        assert len(seen) == 5, f"{words}; it handled {stream.these(seen)}"
        mine = [each for each in stream.pending.values() if each.consumer != OTHER]
        mine = [each for each in mine if stream.event_of(each.id) not in seen]
        assert not mine, (
            f"{words}; {stream.entries_named([each.id for each in mine])} should be left to the "
            f"other consumer, and were claimed by {mine[0].consumer!r}"
        )


@pytest.mark.check("05.claims")
def test_more_old_ones_than_one_request_finds(student, stream, trips, rng):
    """More than a batch of them, and they come after hundreds of young ones."""
    young, old = rng.randint(280, 320), rng.randint(7, 9)
    stream.append(*trips(young + old))

    def scene() -> None:
        stream.deliver(young)
        stream.deliver(old, idle=LONG)

    size = rng.randint(2, 3)
    run = student.consume(stream, scene=scene, batch_size=size, idle_ms=LONG // 2, max_events=old)
    words = (
        f"another consumer has held {young} entries for a moment, and the {old} after them for "
        f"long; batch_size is {size}"
    )
    seen = student.finish(run, words)
    wanted = stream.everything[young:]
    assert same(seen, wanted), (
        f"{words}: those {old} should be claimed; it handled {len(seen)} events (XAUTOCLAIM looks at "
        "a few entries at a time, and its cursor says where to go on)"
    )


@pytest.mark.check("05.claims")
def test_what_another_deals_with_at_the_same_time_is_left_to_it(student, stream, trips):
    """Between a look at what is pending and the claim, where these are two requests."""
    events = trips(4)
    stream.append(*events)

    def scene() -> None:
        stream.deliver(3, idle=LONG)

    def deal() -> None:
        """Claim the first entry, as a third consumer would; the second one its consumer has done."""
        stream.claim(stream.ids[0], consumer=THIRD)
        stream.acknowledge(stream.ids[1])

    with student.service.before(
        "XCLAIM", action=deal, argument=stream.name, in_transactions=True
    ) as dealt:
        run = student.consume(
            stream, scene=scene, idle_ms=LONG // 2, max_empty_reads=2, max_events=2
        )
        words = (
            "another consumer held entries 1 to 3 for long, and 4 is new; right before this one's "
            "XCLAIM a third consumer claimed entry 1, so it is idle for a moment only, and entry 2 "
            "was acknowledged"
        )
        seen = student.finish(run, words)
    if not dealt.is_set():
        return
    assert events[0] not in seen, (
        f"{words}: XCLAIM should ask for idle_ms, and leave entry 1; it handled {stream.these(seen)}"
    )
    assert events[1] not in seen, (
        f"{words}: only what XCLAIM answers with is this consumer's, and FORCE gives it what is not "
        f"pending; it handled {stream.these(seen)}"
    )


@pytest.mark.check("05.claims")
def test_the_next_call_looks_from_the_beginning(student, stream, trips):
    """What failed in one call is old in the next one, in the same process, and nothing else is."""
    events = trips(3)
    stream.append(*events)
    process = student.process()

    def scene() -> None:
        stream.deliver(2, idle=LONG)
        stream.deliver(1)

    options = {"batch_size": 1, "idle_ms": LONG // 2, "max_events": 1}
    run = student.consume(stream, process, scene=scene, **options)
    for event in events[:2]:
        if (step := run.next()) != Handle(event):
            # Whoever claims none of them is told so by other tests, as is who does not go on.
            leave_to(
                "05.claims" if event == events[0] else "05.poison",
                f"another consumer had held entries 1 and 2 for {LONG} ms, and a moment ago entry 3; "
                f"batch_size is 1, and handle() raises for event 1: it should handle 1, then 2; "
                f"{in_words(step, 'it')}",
            )
            return
        held = stream.pending.get(stream.id_of(event))
        if held is None:
            leave_to(
                "05.ack-after-handle",
                f"while handle() had {stream.these([event])} in hand its entry should be pending; it is "
                "not pending",
            )
            return
        assert held.idle < LONG // 2, (
            f"another consumer had held entries 1 and 2 for {LONG} ms, and this one claimed "
            f"{stream.entries_named([held.id])}: while it handles it, it has held it for a moment; "
            f"for the server it has been idle for {held.idle // 1000} s, so that others claim it too"
        )
        run.fails() if event == events[0] else run.handled()
    run.drain()
    if stream.ids[0] not in stream.pending:
        leave_to(
            "05.poison", "handle() raised for event 1: its entry should stay pending; it did not"
        )
        return
    # Whoever claims what others hold, and never its own again, is told so by 05.poison.
    stream.claim(stream.ids[0], consumer=OTHER)
    stream.age(stream.ids[0], idle=LONG, deliveries=1)
    run = student.begin(stream, process, max_empty_reads=1, **options)
    words = (
        "one call claimed entries 1 and 2, handle() raised for 1, and another consumer claimed it "
        "then; it had held entry 1 for long, and entry 3 for a moment, when the next call in the "
        "process began"
    )
    student.given(words)
    step = run.next()
    if isinstance(step, Raised):
        leave_to("05.group", f"{words}; {in_words(step, 'it')}")
        return
    if stream.ids[0] not in stream.pending:
        leave_to(
            "05.ack-after-handle", f"{words}; entry 1 is pending no more before it was handled"
        )
        return
    assert step == Handle(events[0]), f"{words}: it should claim entry 1; {in_words(step, 'it')}"


@pytest.mark.check("05.claims")
def test_what_becomes_old_meanwhile_is_claimed(student, new_stream, trips):
    """Another consumer takes an entry, before this one has started or after, and dies."""
    process = student.process()
    for when in ("while event 2 was handled", "before the call"):
        early, stream, events = when == "before the call", new_stream(), trips(2)
        stream.append(*(events if early else events[1:]))

        def scene(early=early, stream=stream) -> None:
            if early:
                stream.deliver(1)

        # Time enough for those who do not look in every round, but a few times a second.
        run = student.consume(
            *(stream, process), scene=scene, idle_ms=LONG // 2, max_empty_reads=200, max_events=2
        )
        run.next_event()
        if not early:
            stream.append(events[0])
            stream.deliver(1)
        stream.age(stream.id_of(events[0]), idle=LONG)
        run.handled()
        words = (
            f"another consumer took event 1 {when}, and had held it for longer than idle_ms before "
            "event 2 was handled; max_empty_reads is 200"
        )
        step = run.next()
        assert step == Handle(events[0]), (
            f"{words}: it should claim event 1; {in_words(step, 'it')}"
        )
        run.handled()
        run.returned()
