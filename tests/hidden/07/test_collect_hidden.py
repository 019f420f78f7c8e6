"""Hidden suite of exercise 07, first half: collect, from the file into RabbitMQ."""

from __future__ import annotations

import pytest
from bridge_queues import PATIENCE
from bridge_words import check_count

from grader.suite import SLEEP, Raised, Returned, Sleep, content, exceptions, leave_to
from grader.suite.content import value_of
from grader.suite.steps import in_words

BOUNDS = ("x-max-length", "x-max-length-bytes", "x-message-ttl", "x-expires")
"""Arguments by which a queue loses messages."""


# 07.collects -----------------------------------------------------------------------


def first_difference(bodies, events):
    """How many messages there are, and the first that is another one than is due, for a sentence."""
    for number, (body, event) in enumerate(zip(bodies, events, strict=False), 1):
        if value_of(body) != event:
            return f"{len(bodies)}, and message {number} is {body!r:.80}"
    return str(len(bodies))


@pytest.mark.check("07.collects")
def test_every_event_is_a_persistent_message(bridge, odd_events, unusual_text, trips, rng):
    """Over five calls in one process, of every kind; a line is cut in its middle, then at its newline."""
    # An offset in characters is too small by more than an event.
    accented = [*trips(3, accented=True), {"note": "\u00e3" * rng.randint(900, 1200)}]
    long = {"note": "x" * rng.randint(70_000, 140_000)}
    everything = [*accented, *odd_events, *trips(rng.randint(90, 130)), long, *unusual_text]
    # Two equal events lie before the cut, and a white-space carriage return within a line.
    cut = rng.randint(len(accented) + len(odd_events) + 1, len(everything) - 2)
    within = rng.randint(len(accented), cut - 1)
    everything.insert(within, {"event_id": rng.randint(1, 10**6)})
    cut += 1
    lines = [content.to_line(event) for event in everything]
    lines[within] = b'{"event_id":\r%d}\n' % everything[within]["event_id"]
    # An offset that a carriage return is missing from is too small by more than an event.
    blank = b"\r\n" * rng.randint(300, 400)
    unfinished = content.to_line(everything[cut])
    half = rng.randint(1, len(unfinished) - 2)
    bridge.file.append(blank, *lines[:cut], b"\n", b" \r\n", unfinished[:half])
    process = bridge.process()
    scene = f"the file held {cut} events, blank lines and the beginning of a line"
    value = bridge.finish(bridge.collect(process), scene)
    check_count(value, cut, scene)
    bridge.file.append(unfinished[half:-1])
    scene = (
        "all of a line but its newline was in the file, after lines that an earlier call had read"
    )
    check_count(bridge.finish(bridge.collect(process), scene), 0, scene)
    taken = bridge.take()
    bridge.file.append(unfinished[-1:], *everything[cut + 1 :])
    rest = len(everything) - cut
    scene = f"a call had moved {cut} events, and {rest} more are complete now"
    check_count(bridge.finish(bridge.collect(process), scene), rest, scene)
    scene = "nothing was appended after the last call"
    check_count(bridge.finish(bridge.collect(process), scene), 0, scene)
    closed = bridge.rabbitmq.wait_closed(PATIENCE)
    assert closed, f"collect has returned, and {PATIENCE:.0f} s later a connection was still open"
    taken += bridge.take()
    bodies = [body for _, body in taken]
    assert [value_of(body) for body in bodies] == everything, (
        f"{len(everything)} events were in the file, read by four calls; the queue should have got "
        "one message for each, its JSON, in the file's order; messages in it: "
        f"{first_difference(bodies, everything)}"
    )
    modes = [properties.delivery_mode or "none" for properties, _ in taken]
    other = next((mode for mode in modes if mode != 2), "")
    assert not other, f"messages should have delivery mode 2, persistent; one has {other}"
    until = [properties.expiration for properties, _ in taken if properties.expiration is not None]
    assert not until, (
        f"a message should stay in the queue until it is taken; one has the expiration {until[0]!r}"
    )


@pytest.mark.check("07.collects")
def test_a_queue_of_its_own_and_a_file_that_comes_late(new_bridge, trips, rng):
    """Nothing is declared, and there is no file yet; lines come in the pauses between polls.

    In the last one the file is replaced by a shorter one.
    """
    bridge = new_bridge(declared=False)
    polls, interval = rng.randint(4, 5), rng.randint(3, 900) / 8
    everything = [*trips(polls - 3), {"event_id": rng.randint(1, 10**6)}]
    quiet = rng.randint(2, polls - 2)
    scene = f"there was no file at first, and max_polls is {polls}"
    run = bridge.collect(max_polls=polls, poll_interval=interval, sleep=SLEEP)
    run.process.case.given(scene)
    pauses, added = [], 0
    while isinstance(step := run.next("call sleep() or return"), Sleep):
        pauses.append(step.seconds)
        if len(pauses) != quiet and added < len(everything):
            last = added == len(everything) - 1
            (bridge.file.write if last else bridge.file.append)(everything[added])
            added += 1
        run.go_on()
    assert isinstance(step, Returned), f"{scene}: it should return; {in_words(step, 'it')}"
    assert pauses == [interval] * (polls - 1), (
        f"with max_polls={polls} and poll_interval={interval} it should call sleep({interval}) "
        f"{polls - 1} times; it called it {len(pauses)} times, with {sorted(set(map(str, pauses)))}"
    )
    scene = (
        f"{scene}; an event was appended in each pause but number {quiet}, and in the last pause a "
        "shorter file with a new event took its place"
    )
    check_count(step.value, added, scene)
    for name in (bridge.queue, bridge.dead):
        assert bridge.exists(name), (
            f"collect should declare the queue and its dead-letter queue: there is no {name!r}"
        )
        arguments, refusal = bridge.declared(name)
        assert "'durable'" not in refusal, f"the queue {name!r} should be durable, it is not"
        bounds = [f"{each}={arguments[each]!r}" for each in BOUNDS if each in arguments]
        assert not bounds, (
            f"the queue {name!r} should keep each message until it is taken; it was declared with "
            f"{bounds[0]}"
        )
    got = [value_of(body) for body in bridge.bodies()]
    assert got == everything[:added], (
        f"{scene}: the queue should hold {bridge.these(everything[:added], everything)}; it holds "
        f"{bridge.these(got, everything)}"
    )
    assert bridge.rejected_arrives(), (
        f"collect should declare the queue so that what is rejected goes to {bridge.dead!r}: a message "
        "was rejected, and was not there"
    )


@pytest.mark.check("07.collects")
def test_the_queues_are_declared_before_the_first_line(new_bridge):
    """There is no file yet: another program may look for the queues all the same."""
    bridge = new_bridge(declared=False)
    bridge.finish(bridge.collect(), scene := "there was no file")
    for name in (bridge.queue, bridge.dead):
        assert bridge.exists(name), (
            f"{scene}: collect should declare the queue and its dead-letter queue all the same; after "
            f"its return there was no {name!r}"
        )


@pytest.mark.check("07.collects")
@pytest.mark.parametrize("kind", exceptions.STOPPING)
def test_what_sleep_raises(bridge, trips, kind):
    """It leaves collect, with the connection closed; what was moved before it is not moved again."""
    everything = trips(3)
    bridge.file.append(*everything[:2])
    scene = f"2 events were moved, and {kind} came in the pause"
    run = bridge.collect(max_polls=2, poll_interval=1, sleep=SLEEP)
    step = run.next("call sleep()")
    assert isinstance(step, Sleep), (
        f"2 events were in the file, max_polls is 2, and poll_interval is 1: after the first look it should "
        f"call sleep(1); {bridge.said(step)}"
    )
    run.fails(kind)
    step = run.next("let that exception out")
    left = isinstance(step, Raised) and step.by_handle
    assert left, f"{scene}, which should leave collect unchanged; {bridge.said(step)}"
    closed = bridge.rabbitmq.wait_closed(PATIENCE)
    assert closed, f"{scene}: a connection was still open {PATIENCE:.0f} s later"
    bridge.file.append(everything[2])
    bridge.finish(bridge.collect(run.process), f"{scene}, and a third event was appended")
    got = [value_of(body) for body in bridge.bodies()]
    assert got == everything, (
        f"{scene}, and a third event was appended: after the next call the queue should hold each "
        f"once; it holds {bridge.these(got, everything)}"
    )


@pytest.mark.check("07.collects")
def test_another_file_and_a_new_one(new_bridge, trips, state):
    """Two files in one process, each with an offset and a queue of its own; then one is replaced.

    Where they are is said by an absolute str, and by a relative Path.
    """
    one, two = new_bridge(), new_bridge()
    everything = trips(9)
    process = one.process()
    for bridge, events, kind in (
        (one, everything[:4], "an absolute str"),
        (two, everything[4:7], "a relative pathlib.Path"),
    ):
        bridge.file.append(*events)
        run = bridge.collect(process, paths=bridge is two)
        bridge.finish(run, f"the file held {len(events)} events, and each path is {kind}")
        got = [value_of(body) for body in bridge.bodies()]
        assert got == events, (
            "two files were read in one process, each into a queue of its own: the queue should hold "
            f"{bridge.these(events, everything)}; it holds {bridge.these(got, everything)}"
        )
    two.file.append(everything[8])
    scene = (
        "a file was read by its relative path, a line was appended, and the same file and the same offset "
        "file were named by their absolute paths"
    )
    two.finish(two.collect(process), scene)
    got = [value_of(body) for body in two.bodies()]
    assert got == everything[8:], (
        f"{scene}: the next call should move that line alone; it moved {two.these(got, everything)}"
    )
    state.write("empty", b"")
    known, one.offset = one.offset, state.path("empty")
    scene = "a file whose 4 events were moved was read with another offset_path, an empty file"
    one.finish(one.collect(process), scene)
    got = [value_of(body) for body in one.bodies()]
    assert got == everything[:4], (
        f"{scene}: that means offset 0, so the queue should hold {one.these(everything[:4], everything)} "
        f"again; it holds {one.these(got, everything)}"
    )
    one.offset = known
    one.file.write(everything[7])
    scene = "a file whose 4 events were moved is shorter now, with one new event"
    one.finish(one.collect(process), scene)
    got = [value_of(body) for body in one.bodies()]
    assert got == everything[7:8], (
        f"{scene}, which the queue should hold; it holds {one.these(got, everything)}"
    )


# 07.confirm-before-offset -----------------------------------------------------------


@pytest.mark.check("07.confirm-before-offset")
def test_killed_before_the_broker_has_the_first(habits):
    """A message does not arrive, so no confirm comes; killed then, the next call brings it."""
    assert not habits.stores_early, habits.stores_early
    assert not habits.publishes_nothing, habits.publishes_nothing


@pytest.mark.check("07.confirm-before-offset")
def test_killed_before_the_broker_has_another(habits, rng):
    """The same, of a message that comes late in a long poll."""
    lost = habits.killed_before_message(rng.randint(13, 40))
    assert not lost, lost


@pytest.mark.check("07.confirm-before-offset")
def test_no_queue_takes_the_message(bridge, trips, rng, publish):
    """The queue is deleted while messages are published: those that went nowhere come again."""
    everything = trips(rng.randint(30, 40))
    number = rng.randint(2, len(everything) - 1)
    bridge.file.append(*everything)
    with bridge.gate.stopped_before(publish, number=number) as halt:
        run = bridge.collect()
        if not bridge.runs_to(run, halt):
            bridge.leave_unpublished(everything, number)
            return
        bridge.delete_queue()
    step = bridge.outcome(run, scene := f"the queue was deleted before event {number} arrived")
    bridge.declare()
    bridge.finish(bridge.collect(), f"{scene}, and declared again")
    due = everything[number - 1 :]
    lost = bridge.held(due).missing(due)
    assert not lost, (
        f"the file held {len(everything)} events, and {scene}: RabbitMQ could put the rest nowhere, so "
        f"they should come with the next call; {bridge.said(step)}, and after the next call "
        f"{bridge.these(lost, everything)} {'is' if len(lost) == 1 else 'are'} not in the queue"
    )


@pytest.mark.check("07.confirm-before-offset")
def test_the_broker_refuses_the_message(bridge, trips, rng, publish):
    """The queue is full from some message on: those that were refused come again."""
    everything = trips(rng.randint(30, 40))
    number = rng.randint(2, len(everything) - 1)
    bridge.file.append(*everything)
    with bridge.gate.stopped_before(publish, number=number) as halt:
        run = bridge.collect()
        if not bridge.runs_to(run, halt):
            bridge.leave_unpublished(everything, number)
            return
        bridge.delete_queue()
        bridge.declare_full()
    step = bridge.outcome(run, scene := f"the queue was full before event {number} arrived")
    bridge.delete_queue()
    bridge.declare()
    bridge.finish(bridge.collect(), f"{scene}, and it had room again")
    due = everything[number - 1 :]
    lost = bridge.held(due).missing(due)
    assert not lost, (
        f"the file held {len(everything)} events, and {scene}: RabbitMQ refused the rest, so they "
        f"should come with the next call; {bridge.said(step)}, and after the next call "
        f"{bridge.these(lost, everything)} {'is' if len(lost) == 1 else 'are'} not in the queue"
    )


# 07.broker-gone ---------------------------------------------------------------------


@pytest.mark.check("07.broker-gone")
def test_the_connection_of_collect_is_dropped(bridge, trips, rng, publish, habits):
    """Before a message arrives: an exception, and the next call goes on."""
    everything = trips(rng.randint(30, 40))
    number = rng.randint(2, len(everything) - 1)
    bridge.file.append(*everything)
    with bridge.gate.stopped_before(publish, number=number) as halt:
        run = bridge.collect()
        if not bridge.runs_to(run, halt):
            bridge.leave_unpublished(everything, number)
            return
        bridge.rabbitmq.drop_connections()
    scene = (
        f"RabbitMQ dropped the connection when event {number} of {len(everything)} was published"
    )
    step = bridge.outcome(run, scene)
    assert isinstance(step, Raised), f"{scene}, which should be an exception; {bridge.said(step)}"
    bridge.finish(bridge.collect(), f"{scene}, and the next call began")
    if habits.stores_early:
        leave_to("07.confirm-before-offset", habits.stores_early)
        return
    lost = bridge.held(everything).missing(everything)
    assert not lost, (
        f"{scene}; after the next call the queue should hold every event; "
        f"{bridge.these(lost, everything)} {'is' if len(lost) == 1 else 'are'} not in it"
    )


# 07.bad-line ------------------------------------------------------------------------


@pytest.mark.check("07.bad-line")
def test_bad_lines_in_the_file(bridge, trips, rng):
    """Of every kind, between events and after the last: passed over, or dead letters; never again."""
    everything = trips(4)
    kinds = (*content.BAD, *content.LENIENT, *content.PADDED)
    bad = [each + b"\n" for each in rng.sample(kinds, len(kinds))]
    cut = rng.randint(3, len(bad) - 3)
    blank = [b"\n", b" \t\r\n"]
    # An offset that its bytes are missing from is behind by more than all events.
    bad[0] = b"no JSON " * rng.randint(300, 400) + b"\n"
    bridge.file.append(everything[0], *bad[:cut], *blank, *everything[1:3], *bad[cut:])
    process = bridge.process()
    scene = f"3 events were in the file, and {len(bad)} bad lines and 2 blank ones between and after them"
    value = bridge.finish(bridge.collect(process), scene)
    dead = bridge.bodies(bridge.dead)
    nothing = [body for body in dead if not body.strip()]
    assert not nothing, (
        f"{scene}: a blank line is nothing; the dead-letter queue holds {nothing[0]!r}"
    )
    first = bridge.held(everything[:3])
    strange = [event for event in first.queue if event not in everything]
    assert not strange, (
        f"{scene}: the queue holds {strange[0]!r:.60}, {content.why_bad(strange[0])}"
    )
    assert first.queue == everything[:3], (
        f"{scene}: the queue should hold the events; it holds "
        f"{bridge.these(first.queue, everything)}"
    )
    check_count(value, 3, scene)
    bridge.file.append(everything[3])
    value = bridge.finish(bridge.collect(process), f"{scene}, and another event came")
    second = bridge.held(everything[3:])
    assert second.queue == everything[3:], (
        f"{scene}, and another event came: the next call should move it alone; it moved "
        f"{bridge.these(second.queue, everything)}"
    )
    assert not second.dead, (
        f"{scene}: a bad line does not come again; the second call published "
        f"{len(second.dead)} of them to the dead-letter queue"
    )
