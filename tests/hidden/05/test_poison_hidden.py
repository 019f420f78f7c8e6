"""Hidden suite of exercise 05: stream_consumer where handle raises.

Nobody waits for idle_ms: an onlooker makes pending entries old, with XCLAIM and its IDLE.
"""

from __future__ import annotations

import time

import pytest
from stream_seen import LONG, OTHER, PATIENCE, THIRD, is_unchanged, judge_dead

from grader.suite import Handle, Raised, Returned, exceptions, leave_to
from grader.suite.content import count_of, same
from grader.suite.steps import in_words

RAISED = (*exceptions.ORDINARY, *exceptions.REDIS)
IN_HAND = "while handle() had it in hand its entry should be pending; it is not pending"


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
                leave_to("05.ack-after-handle", f"{words}; {IN_HAND}")
                return
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


@pytest.mark.check("05.poison")
@pytest.mark.parametrize("decode", [False, True])
def test_deliveries_are_counted_by_the_server(student, new_stream, trips, rng, decode):
    """Consumers that died had them in hand, each so many times; one that succeeds is not dead."""
    if student.is_blind(decode=decode):
        return
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
        if student.miscounts(run.value, limit - 1):
            said = f"{words}: {limit - 1} were handled, it returned {run.value!r}"
            assert run.value < limit - 1, said
            leave_to("05.leaves-the-rest", said)  # that what was claimed counts


@pytest.mark.check("05.poison")
def test_each_has_a_count_of_its_own(student, stream, trips, rng):
    """Young ones lie before and between the old ones, its own and others', with other counts."""
    limit = rng.randint(3, 5)
    few, many = rng.randint(1, 2), limit + rng.randint(1, 3)
    # Who holds them, how often they were delivered, and whether for long.
    scenes = [(student.name, few, False)] * rng.randint(3, 4)
    for count in rng.choice(((limit, few, limit), (few, limit, limit), (few, limit, few))):
        between = few if count == limit else many
        scenes += [(THIRD, between, False)] * rng.randint(1, 2)
        scenes += [(student.name, between, False), (OTHER, count, True)]
    events = trips(len(scenes) + 1)
    stream.append(*events)

    def scene() -> None:
        for who, count, old in scenes:
            stream.deliver(1, idle=LONG if old else 1, deliveries=count, consumer=who)

    run = student.consume(stream, scene=scene, idle_ms=LONG // 2, max_deliveries=limit)
    olds = [number for number, (_, _, old) in enumerate(scenes) if old]
    poisoned = [number for number in olds if scenes[number][1] == limit]
    words = (
        f"max_deliveries is {limit}; {stream.entries_named([stream.ids[n] for n in olds])} were "
        f"delivered {', '.join(str(scenes[n][1]) for n in olds)} times to a consumer that died, and the "
        f"{len(scenes) - len(olds)} before and between them, delivered {few} or {many} times, are young"
    )
    student.given(words)
    seen = []
    # What is new comes after all that was old.
    while isinstance(step := run.next(), Handle) and step.event != events[-1]:
        seen.append(step.event)
        run.handled()
    assert not isinstance(step, Raised), f"{words}: it should go on; {in_words(step, 'it')}"
    run.kill()
    if any(held.consumer == OTHER for held in stream.pending.values()):
        leave_to("05.claims", f"{words}: it should claim all the old ones; it left some")
        return
    handled = [number for number in olds if events[number] in seen]
    wanted = [number for number in olds if number not in poisoned]
    assert handled == wanted, (
        f"{words}: of the old ones it should handle {stream.these([events[n] for n in wanted])} and "
        f"move {stream.entries_named([stream.ids[n] for n in poisoned])}; of them it handled "
        f"{stream.these([events[n] for n in handled])}"
    )
    if stream.dead:  # who moves them at its end was killed before
        judge_dead(stream, [stream.ids[number] for number in poisoned], words)


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
        leave_to(
            "05.claims",
            "entry 2 had been delivered 7 times, to a consumer that has held it for long: it should be "
            f"moved; {stream.name}.dead has no entry",
        )
        return
    stream.age(stream.ids[0], idle=LONG, deliveries=7)
    stream.append(*trips(1))
    words = "entry 2 was delivered 7 times and moved; then entry 1 had been delivered 7 times too"
    run = student.begin(stream, process, max_empty_reads=2, **options)
    student.given(words)
    while isinstance(step := run.next(), Handle):
        run.handled()
    if isinstance(step, Raised) and "BUSYGROUP" in step.message:
        leave_to("05.group", f"{words}; {in_words(step, 'it')}")
        return
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
                leave_to("05.ack-after-handle", f"an event was to fail; {IN_HAND}")
                return
            failed.append(last := name)
            student.given(f"handle() raised {name} for an event")
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
            leave_to("05.ack-after-handle", f"2 entries were in the stream; {IN_HAND}")
            return
        run.fails(name)
        while isinstance(step := run.next(), Handle):
            run.handled()  # in a thread of its own, it may have begun before
        left = is_unchanged(step, name)
        assert left, (
            f"{name} inside handle() should leave stream_consumer unchanged; {in_words(step, 'it')}"
        )
        assert stream.ids[0] in stream.pending, (
            f"{name} came inside handle(): that entry should stay pending, and it does not"
        )
