"""Hidden suite of exercise 05: stream_consumer where something goes wrong.

Nobody waits for idle_ms: an onlooker makes pending entries old, with XCLAIM and its IDLE.
"""

from __future__ import annotations

import json
import time

import pytest

from grader.suite import Handle, Raised, Returned, exceptions
from grader.suite.content import BAD, count_of, same, value_of
from grader.suite.steps import in_words, shorten

PATIENCE = 10.0  # seconds; only a wrong submission waits so long
LONG = 600_000
"""Milliseconds that nothing comes to be old in a test by itself."""
RAISED = (*exceptions.ORDINARY, *exceptions.REDIS)


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
    """Killed while it handles event k, for every k, of two batches; new ones, and claimed ones."""
    events = trips(4)
    name = f"taxi {rng.randrange(10**6)}"
    for k in range(len(events)):
        stream = new_stream()
        stream.append(*events)

        def scene(stream=stream) -> None:
            if claimed:
                stream.deliver(4, idle=LONG)

        run = student.consume(stream, scene=scene, consumer=name, batch_size=2, idle_ms=LONG // 2)
        handled = []
        for number in range(k + 1):
            step = run.next()
            if claimed and not isinstance(step, Handle):
                return  # whoever claims nothing is told so by 05.claims
            assert isinstance(step, Handle), (
                f"4 entries are in the stream, and it has handled {number}; {in_words(step, 'it')}"
            )
            current = stream.id_of(step.event)
            assert current, f"4 entries are in the stream; {in_words(step, 'it')}"
            if number < k:
                handled.append(current)
                run.handled()
        run.kill()
        judge_crash(stream, handled, current, name)


# Claiming -------------------------------------------------------------------------


@pytest.mark.check("05.claims")
@pytest.mark.parametrize("decode", [False, True])
def test_what_is_old_is_claimed_and_what_is_young_is_left(student, new_stream, trips, rng, decode):
    """By an idle_ms that is given, and by the default; in one process."""
    if student.reads_only(decode=not decode):
        return  # 05.delivers tells
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
        mine = [each for each in stream.pending.values() if each.consumer != "other"]
        mine = [each for each in mine if stream.everything[stream.ids.index(each.id)] not in seen]
        assert not mine, (
            f"{words}; {stream.entries_named([each.id for each in mine])} should be left to the "
            f"other consumer, and were claimed by {mine[0].consumer!r}"
        )


@pytest.mark.check("05.claims")
def test_more_old_ones_than_one_request_finds(student, stream, trips, rng):
    """More than a batch of them, and they come after many young ones."""
    young, old = rng.randint(45, 60), rng.randint(7, 9)
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
def test_what_another_claims_at_the_same_time_is_left_to_it(student, stream, trips):
    """Between a look at what is pending and the claim, where these are two requests."""
    events = trips(3)
    stream.append(*events)

    def scene() -> None:
        stream.deliver(2, idle=LONG)

    def claim() -> None:
        """Take the first entry, as a third consumer would."""
        stream.claim(stream.ids[0], consumer="third")

    with student.service.before(
        "XCLAIM", action=claim, argument=stream.name, in_transactions=True
    ) as claimed:
        run = student.consume(
            stream, scene=scene, idle_ms=LONG // 2, max_empty_reads=2, max_events=2
        )
        words = (
            "another consumer held entries 1 and 2 for long, and 3 is new; a third consumer claimed "
            "entry 1 right before this one's XCLAIM, so it is idle for a moment only"
        )
        seen = student.finish(run, words)
    assert not claimed.is_set() or events[0] not in seen, (
        f"{words}: XCLAIM should ask for idle_ms, and leave it; it handled {stream.these(seen)}"
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
        if run.next() != Handle(event):
            return  # whoever claims none of them, or does not go on, is told so by others
        run.fails() if event == events[0] else run.handled()
    run.drain()
    if stream.ids[0] not in stream.pending:
        return  # what failed did not stay, which other checks tell
    stream.age(stream.ids[0], idle=LONG)
    run = student.begin(stream, process, max_empty_reads=1, **options)
    words = (
        "one call claimed entries 1 and 2, handle() raised for 1, and entry 3 another consumer has "
        "held for a moment; entry 1 was old when the next call in the process began"
    )
    student.given(words)
    step = run.next()
    if isinstance(step, Raised) or stream.ids[0] not in stream.pending:
        return  # a group that is there already is 05.group's business
    assert step == Handle(events[0]), f"{words}: it should claim entry 1; {in_words(step, 'it')}"


@pytest.mark.check("05.claims")
def test_what_becomes_old_meanwhile_is_claimed(student, stream, trips):
    """Another consumer takes an entry after this one has started, and dies."""
    events = trips(3)
    stream.append(events[0])
    # Real time, for those who do not ask in every round: it becomes old within two reads.
    run = student.consume(stream, idle_ms=50, wait_ms=25, max_empty_reads=20, max_events=2)
    run.next_event()
    stream.append(events[1])
    stream.deliver(1, idle=LONG)
    run.handled()
    words = (
        "while it handled event 1, another consumer took event 2; that one has been idle for longer "
        "than idle_ms since"
    )
    step = run.next()
    assert step == Handle(events[1]), f"{words}: it should claim event 2; {in_words(step, 'it')}"
    run.handled()


# What handle raises -----------------------------------------------------------------


@pytest.mark.check("05.poison")
def test_what_keeps_failing_is_dead_after_so_many_deliveries(student, stream, trips, rng):
    """Each failure is made old at once; who claims only at its start is started again."""
    most, (*events, last) = rng.choice((2, 4)), trips(5)
    stream.append(*events)
    (bad,) = ids = stream.ids[1:2]
    process = student.process()
    tries, handled, told = 0, [], []
    words = f"max_deliveries is {most}, and handle() always raises for event 2 of 4"
    start = student.consume
    for _ in range(most + 2):
        run = start(
            *(stream, process),
            max_deliveries=most,
            idle_ms=LONG // 2,
            max_empty_reads=30,
            max_events=4 - len(handled),
        )
        while isinstance(step := next_or_append(run, stream, last), Handle):
            if step.event != events[1]:
                handled.append(step.event)
                run.handled()
                continue
            tries += 1
            if bad not in stream.pending:
                return  # it was acknowledged before, which 05.ack-after-handle tells
            assert tries <= most, f"{words}; it handled event 2 {tries} times"
            stream.age(bad, idle=LONG)
            run.fails()
        assert not isinstance(step, Raised), f"{words}: it should go on; {in_words(step, 'it')}"
        told.append(step.value)
        if stream.dead:
            break
        start = student.begin
    assert tries == most, (
        f"{words}; each time that it was idle for idle_ms it should be handled again, {most} times "
        f"in all; it was handled {times(tries)}"
    )
    judge_dead(stream, ids, words)
    # The last one came so late that it may have given up by then.
    seen = [event for event in handled if event != last]
    assert same(seen, [events[0], *events[2:]]), (
        f"{words}: the others should be handled; it handled {stream.these(seen)}"
    )
    wrong = len(told) == 1 and student.miscounts(told[0], len(handled))
    assert not wrong, f"{words}: {len(handled)} were handled, so return that, not {told[0]!r}"


def next_or_append(run, stream, event):
    """The next step; where an entry has been moved, the stream is given one more event to end with."""
    deadline = time.monotonic() + PATIENCE
    while event not in stream.everything and run.waiting(0.002):
        if stream.dead:
            stream.append(event)
        elif time.monotonic() > deadline:
            break  # the engine finds out whether it hangs
    return run.next()


def times(number: int) -> str:
    """How often, for a sentence."""
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def judge_dead(stream, ids: list[str], words: str) -> None:
    """Just these entries lie in the stream of the dead, and none of them is pending.

    Whether they are there with all their fields is 05.bad-entry's.
    """
    there = [value_of(fields.get(b"event", b"")) for fields in stream.dead]
    wanted = [value_of(stream.fields[entry_id].get(b"event", b"")) for entry_id in ids]
    assert len(there) == len(wanted), (
        f"{words}: {stream.entries_named(ids)} should be in {stream.name}.dead; it has {len(there)} "
        f"entr{'y' if len(there) == 1 else 'ies'}"
    )
    others = [value for value in there if value not in wanted]
    assert not others, (
        f"{words}: {stream.entries_named(ids)} should be in {stream.name}.dead; another one is, "
        f"{shorten(others[0])}"
    )
    left = [entry_id for entry_id in ids if entry_id in stream.pending]
    assert not left, f"{words}: moved to .dead, {stream.entries_named(left)} should not be pending"


@pytest.mark.check("05.poison")
@pytest.mark.parametrize("decode", [False, True])
def test_deliveries_are_counted_by_the_server(student, new_stream, trips, rng, decode):
    """Consumers that died had them in hand, each so many times; one that succeeds is not dead."""
    if student.reads_only(decode=not decode):
        return  # 05.delivers tells
    process = student.process(decode=decode)
    for most in (rng.choice((2, 4)), None):
        stream, limit = new_stream(), most or 3
        events = trips(limit + 2)
        stream.append(*events)
        deliveries = list(range(limit + 2, 0, -1))

        def scene(stream=stream, deliveries=deliveries) -> None:
            for count in deliveries:
                stream.deliver(1, idle=LONG, deliveries=count)

        run = student.consume(
            *(stream, process),
            scene=scene,
            idle_ms=LONG // 2,
            max_deliveries=most,
            max_events=limit - 1,
        )
        words = (
            f"max_deliveries is {most or 'the default, 3'}, and entries 1 to {limit + 2} were "
            f"delivered {', '.join(map(str, deliveries))} times to consumers that died "
            f"(decode_responses={decode})"
        )
        seen = student.finish(run, words)
        wanted = events[3:]
        assert same(seen, wanted), (
            f"{words}: it should handle {stream.these(wanted)} and move the others; it handled "
            f"{stream.these(seen)}"
        )
        judge_dead(stream, stream.ids[:3], words)
        # That what was claimed counts is 05.leaves-the-rest's.
        more = student.miscounts(run.value, limit - 1) and run.value > limit - 1
        assert not more, f"{words}: {limit - 1} were handled, it returned {run.value!r}"


@pytest.mark.check("05.poison")
def test_an_older_entry_is_moved_after_a_newer_one(student, stream, trips):
    """The ids in `.dead` are its own: an older entry may be given up later than a newer one."""
    events = trips(3)
    stream.append(*events)
    process = student.process()

    def scene() -> None:
        _, second = stream.deliver(2)
        stream.age(second, idle=LONG, deliveries=7)

    options = {"idle_ms": LONG // 2, "max_events": 1}
    student.consume(stream, process, scene=scene, **options).drain()
    if not stream.dead:
        return  # the tests above tell
    stream.age(stream.ids[0], idle=LONG, deliveries=7)
    stream.append(*trips(1))
    words = "entry 2 was delivered 7 times and moved; then entry 1 had been delivered 7 times too"
    run = student.begin(stream, process, max_empty_reads=2, **options)
    student.given(words)
    while isinstance(step := run.next(), Handle):
        run.handled()
    if isinstance(step, Raised) and "BUSYGROUP" in step.message:
        return  # 05.group tells
    assert isinstance(step, Returned), f"{words}: it should return; {in_words(step, 'it')}"
    judge_dead(stream, stream.ids[:2], words)


@pytest.mark.check("05.poison")
def test_whatever_handle_raises_the_entry_stays_and_the_others_go_on(student, stream, trips):
    """One entry for each kind of exception, each between others."""
    bad = [event | {"fails": True} for event in trips(len(RAISED))]
    good = trips(len(RAISED) // 4 + 1)
    events = [e for n, event in enumerate(good) for e in (*bad[4 * n : 4 * n + 4], event)]
    stream.append(*events)
    run = student.consume(stream, batch_size=7, max_events=len(good))
    failed, handled, last = [], [], ""
    while isinstance(step := run.next(), Handle):
        if step.event in bad:
            name = RAISED[bad.index(step.event)]
            assert name not in failed, (
                f"handle() raised {name} for an event; the entry should be claimed again once it has "
                "been idle for idle_ms, 30 s, and it was handled again at once"
            )
            if stream.ids[events.index(step.event)] not in stream.pending:
                return  # it was acknowledged before, which 05.ack-after-handle tells
            failed.append(last := name)
            run.fails(name)
        else:
            handled.append(step.event)
            run.handled()
    assert not isinstance(step, Raised), (
        f"handle() raised {last} for one event, and stream_consumer should go on with the others; "
        f"{in_words(step, 'it')}"
    )
    assert same(handled, good), (
        f"handle() raised for {len(bad)} of {len(events)} events: the {len(good)} others should be "
        f"handled; it handled {stream.these(handled)}"
    )
    assert not student.miscounts(step.value, len(good)), (
        f"{len(good)} events were handled, so {len(good)} should be returned, not {step.value!r}"
    )
    pending = stream.pending
    gone = [
        name
        for name, event in zip(RAISED, bad, strict=True)
        if stream.ids[events.index(event)] not in pending
    ]
    assert not gone, (
        "an entry whose handle() raised should stay pending; it left the pending list after "
        f"{count_of(gone, 'kind')} of exception, such as {', '.join(gone[:5])}"
    )
    assert not stream.dead, (
        "an entry whose handle() raised once should stay pending; in "
        f"{stream.name}.dead there are {len(stream.dead)}"
    )


@pytest.mark.check("05.poison")
def test_ctrl_c_leaves_it(student, new_stream, trips):
    """It is no failure of one event: it ends the consumer, and the entry in hand stays pending."""
    process = student.process()
    for name in exceptions.STOPPING:
        stream = new_stream()
        stream.append(*trips(2))
        run = student.consume(stream, process)
        run.next_event()
        if stream.ids[0] not in stream.pending:
            return  # as above
        run.fails(name)
        while isinstance(step := run.next(), Handle):
            run.handled()  # in a thread of its own, it may have begun before
        left = isinstance(step, Raised) and step.by_handle
        assert left, (
            f"{name} inside handle() should leave stream_consumer unchanged; {in_words(step, 'it')}"
        )
        assert stream.ids[0] in stream.pending, (
            f"{name} came inside handle(): that entry should stay pending, and it does not"
        )


# Bad entries ------------------------------------------------------------------------


@pytest.mark.check("05.bad-entry")
@pytest.mark.parametrize("decode", [False, True])
def test_a_bad_entry_is_moved_at_once(student, new_stream, trips, rng, decode):
    """Of every kind, before, between and after the events; new ones, and some that were claimed."""
    if student.reads_only(decode=not decode):
        return  # 05.delivers tells
    process = student.process(decode=decode)
    # A client that decodes cannot read what is not UTF-8.
    values = [bad for bad in (*BAD, b"", b" ") if bad.isascii() or not decode]
    rng.shuffle(values)
    for how in ("new", "claimed"):
        stream = new_stream()
        good, ids = trips(len(values) + 2), []
        stream.append(good[0])
        ids.append(stream.append_fields(data=b'{"event_id": 1}', Event="{}"))
        for value, event in zip(values, good[1:], strict=False):
            ids.append(stream.append_fields(event=value, source="meter 7"))
            stream.append(event)
        stream.append(good[-1])

        def scene(stream=stream, how=how) -> None:
            if how == "claimed":
                stream.deliver(len(stream.ids), idle=LONG)

        run = student.consume(stream, process, scene=scene, idle_ms=LONG // 2, max_events=len(good))
        words = (
            f"{len(good)} events were in the stream, and {len(ids)} bad entries between them"
            + (", all held by another consumer for long" if how == "claimed" else "")
        )
        seen = []
        while isinstance(step := run.next(), Handle):
            assert isinstance(step.event, dict), (
                f"{words}; {in_words(step, 'it')}, which is no JSON object and so no event"
            )
            seen.append(step.event)
            run.handled()
        assert isinstance(step, Returned), f"{words}: it should go on; {in_words(step, 'it')}"
        if how == "claimed" and not seen and not stream.dead:
            return  # whoever claims nothing is told so by 05.claims
        assert same(seen, good), f"{words}; it handled {stream.these(seen)}"
        # That what was claimed counts is 05.leaves-the-rest's.
        miscounted = student.miscounts(step.value, len(good))
        miscounted = miscounted and (how == "new" or step.value > len(good))
        assert not miscounted, f"{words}: return {len(good)}, not {step.value!r}"
        judge_dead(stream, ids, words)
        for entry_id in ids:
            fields = stream.fields[entry_id]
            kept = any(fields.items() <= each.items() for each in stream.dead)
            assert kept, (
                f"{words}: a bad entry should be in {stream.name}.dead with its fields as they are; "
                f"{shorten(fields)} is not there"
            )


@pytest.mark.check("05.bad-entry")
def test_what_is_moved_keeps_its_fields(student, stream, trips):
    """Also an entry that was an event, and failed too often."""
    if student.reads_only(decode=True):
        return  # 05.delivers tells; a client that decodes cannot read what is not UTF-8
    event, after_it = trips(2)
    stream.append_fields(event=json.dumps(event), source="meter 7", **{"pickup zone": b"\xe9"})
    stream.append(after_it)
    run = student.consume(
        *(stream, student.process(decode=False)),
        scene=lambda: stream.deliver(1, idle=LONG, deliveries=7),
        idle_ms=LONG // 2,
        max_events=1,
    )
    run.drain()
    dead, fields = stream.dead, stream.fields[stream.ids[0]]
    # Whoever does not move it is told so by 05.poison.
    assert len(dead) != 1 or fields.items() <= dead[0].items(), (
        "an entry that was delivered 7 times has the fields event, source and pickup zone; in "
        f"{stream.name}.dead it should keep them as they are; there it has {shorten(dead[0])}"
    )


# Moved whole ------------------------------------------------------------------------


CHANGES = ("XADD", "XACK", "XDEL", "XTRIM", "DEL")
"""Commands by which an entry is lost or moved."""


@pytest.mark.check("05.dead-whole")
@pytest.mark.parametrize("what", ["poisoned", "bad"])
def test_killed_between_any_two_commands(student, new_stream, what):
    """The entry is pending or in .dead, whenever the process was killed."""
    item = {"zone": "Queens"} if what == "poisoned" else b"{oops"

    def begin(stream):
        entry_id, _ = stream.append(item, {"zone": "Bronx"})

        def scene() -> None:
            if what == "poisoned":
                stream.deliver(1, idle=LONG, deliveries=7)

        return entry_id, student.consume(stream, scene=scene, idle_ms=LONG // 2, max_events=1)

    stream = new_stream()
    with student.service.recording() as recorded:
        entry_id, run = begin(stream)
        goes_on_to(run)
    said = recorded.commands()
    changes = [number for number, each in enumerate(said, 1) if each.name in CHANGES]
    if not stream.dead or not changes or any(b"NOACK" in each.words for each in said):
        return  # 05.poison, 05.bad-entry or 05.ack-after-handle tells
    for number in range(changes[0] + 1, len(said) + 1):
        stream = new_stream()
        with student.service.stopped_before(number) as stop:
            entry_id, run = begin(stream)
            if not goes_on_to(run, stop.reached):
                return
            run.kill()
        there = entry_id in [each for each, _ in stream.entries]
        held = there and (entry_id in stream.pending or entry_id not in stream.delivered)
        dead = bool(stream.dead)
        assert held or dead, (
            f"a {what} entry was to be moved to {stream.name}.dead, and the process was killed "
            f"before its command {stop.command.in_words()}: the entry should be pending, and in the "
            "stream, or it should be in .dead; it is in neither"
        )
        if dead and not held:
            return  # whatever comes after that


def goes_on_to(run, reached=None) -> bool:
    """Say yes to every step until that is set; whether it was, before the call was over."""
    deadline = time.monotonic() + PATIENCE
    while reached is None or not reached.is_set():
        if reached is not None and run.waiting(0.001) and time.monotonic() < deadline:
            continue
        if not isinstance(run.next(), Handle):
            return False
        run.handled()
    return True


# Trimmed ----------------------------------------------------------------------------


@pytest.mark.check("05.trimmed")
@pytest.mark.parametrize("decode", [False, True])
def test_what_was_trimmed_is_passed_over(student, new_stream, trips, rng, decode):
    """Pending entries that are gone: of another consumer, its own, poisoned, all that are pending."""
    if student.reads_only(decode=not decode):
        return  # 05.delivers tells
    process = student.process(decode=decode)
    for who, deliveries, everything in (
        ("other", 1, False),
        ("mia", 1, False),
        ("other", 7, False),
        ("other", 1, True),
    ):
        stream, events = new_stream(), trips(6)
        stream.append(*events)
        gone = range(4) if everything else sorted(rng.sample(range(4), 2))

        def scene(
            stream=stream, who=who, gone=gone, deliveries=deliveries, everything=everything
        ) -> None:
            ids = stream.deliver(4, idle=LONG, consumer=who)
            stream.age(*(ids[number] for number in gone), idle=LONG, deliveries=deliveries)
            if everything:
                stream.trim(2)
            else:
                stream.remove(*(ids[number] for number in gone))

        most = 6 - len(gone)
        run = student.consume(stream, process, scene=scene, idle_ms=LONG // 2, max_events=most)
        words = (
            f"{'it' if who == 'mia' else 'another consumer'} has held entries 1 to 4 for long, and "
            f"{stream.entries_named([stream.ids[n] for n in gone])} were trimmed away "
            f"(decode_responses={decode})"
        )
        seen = student.finish(run, words)
        wanted = [event for number, event in enumerate(events) if number not in gone]
        if same(seen, events[4:]):
            continue  # whoever claims nothing is told so by 05.claims
        assert same(seen, wanted), (
            f"{words}: it should handle {stream.these(wanted)}; it handled {stream.these(seen)}"
        )
        assert not stream.dead, (
            f"{words}: what is gone should be passed over; in {stream.name}.dead there "
            f"{'is 1 entry' if len(stream.dead) == 1 else f'are {len(stream.dead)} entries'}"
        )
