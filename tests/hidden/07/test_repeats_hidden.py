"""Hidden suite of exercise 07: what a kill may move twice, at most."""

from __future__ import annotations

import pytest
from bridge_patience import with_patience
from bridge_places import PUBLISH
from bridge_words import batch

from grader.suite import Raised, Returned, Write, leave_to

BEFORE = 12
"""Events that earlier calls have moved: more than a kill may repeat."""
AGAIN = 10
"""Events that a kill in collect may repeat, at most."""
WRITES = 29
"""Writes of a call, before each of which it is killed."""
CHANGES = 8
"""Changes of the offset file, after each of which it is killed too."""


@pytest.mark.check("07.few-repeats")
@pytest.mark.parametrize("when", ["eleventh", "late"])
def test_a_kill_in_a_long_poll_repeats_few(new_bridge, trips, rng, confirm, when):
    """Killed when one more than may come again, or many, are confirmed: at most ten come again.

    Who stores after every eleventh, or after more, has stored nothing at the eleventh.
    """
    bridge = new_bridge()
    everything = trips(rng.randint(28, 32))
    number = AGAIN + 1 if when == "eleventh" else rng.randint(24, 27)
    bridge.file.append(*everything)
    with bridge.gate.stopped_before(confirm, number=number) as halt:
        run = bridge.collect()
        if reached := bridge.runs_to(run, halt):
            bridge.kill(run, halt)
    if not reached:  # a confirm may be of several messages, and there may be none
        bridge = new_bridge()
        bridge.file.append(*everything)
        number = killed_before_it_stores(bridge)
        if not number:
            return
    scene = (
        f"the file held {len(everything)} events, and collect was killed when RabbitMQ had {number} "
        "of them"
    )
    bridge.finish(bridge.collect(), scene)
    repeats = bridge.held(everything).repeats(everything)
    assert repeats <= AGAIN, (
        f"{scene}: the next call should publish at most {AGAIN} of these again; it published "
        f"{repeats} again"
    )


def killed_before_it_stores(bridge):
    """Kill collect at a write, with more messages published since the last offset than may come again.

    How many were published in all; 0 where it never comes to that.
    """
    with bridge.gate.recording() as crossed:
        run = bridge.collect(bridge.process(stop_at_writes=True))
        stored, then = 0, bridge.stored
        while isinstance(step := run.next("return"), Write):
            published = sum(each == PUBLISH for each in crossed)
            if bridge.stored != then:
                stored, then = published, bridge.stored
            if published - stored > AGAIN:
                bridge.kill_now(run)
                return published
            run.go_on()
    assert isinstance(step, Returned), (
        f"collect should publish the events and return; {bridge.said(step)}"
    )
    return 0


@pytest.mark.check("07.few-repeats")
def test_killed_before_each_write(bridge, trips, habits):
    """While it stores an offset: the file holds the old one or the new one, and little comes again."""
    assert not habits.publishes_nothing, habits.publishes_nothing
    before = trips(BEFORE)
    bridge.file.append(*before)
    bridge.finish(bridge.collect(), f"the file held {BEFORE} events")
    bridge.bodies()
    # Who makes more writes is killed after each that changed the offset file.
    for wanted in [*range(1, WRITES + 1), *(-change for change in range(1, CHANGES + 1))]:
        bridge.file.append(*trips(1))
        run = bridge.collect(bridge.process(stop_at_writes=True))
        number, step = writes_to(run, bridge, wanted)
        more = f"earlier calls had moved {BEFORE} events or more, another was appended"
        if isinstance(step, Raised):
            leave_to("07.collects", f"{more}: collect should return; {bridge.said(step)}")
        if not isinstance(step, Write):
            return
        bridge.kill_now(run)
        scene = (
            f"{more}, and the process was killed before its write number {number}, {step.syscall}"
        )
        bridge.finish(bridge.collect(), scene)
        got = bridge.bodies()
        assert len(got) <= AGAIN, (
            f"{scene}. The offset file should hold the old or the new offset then; the next call "
            f"published {len(got) - 1} events again"
        )


def writes_to(run, bridge, wanted):
    """Let it go on to its write number `wanted`, or, below 0, to the one after so many changes of the offset.

    The number of the write, and the step.
    """
    number = changes = 0
    then = bridge.stored
    while isinstance(step := run.next("return"), Write):
        number += 1
        if wanted < 0 and bridge.stored != then:
            changes, then = changes + 1, bridge.stored
        if wanted in (number, -changes):
            break
        run.go_on()
    return number, step


@pytest.mark.check("07.few-repeats")
@with_patience
def test_a_kill_repeats_one_batch(bridge, trips, rng, answers, habits, patience):
    """Killed when SQS has a later batch: that one comes again, and those before it do not."""
    assert not habits.sends_nothing, habits.sends_nothing
    size, told = batch(rng, 3, 5)
    number = rng.randint(3, 6)
    events = trips((number + 1) * size)
    bridge.put(*events)
    with bridge.gate.stopped_before(*answers, number=number) as halt:
        run = bridge.forward(**told)
        if not bridge.runs_to(run, halt):
            patience.leave_to("07.forwards", bridge.unsent(events, f"request {number}"))
        bridge.kill(run, halt)
    scene = (
        f"{len(events)} events were in the queue, batch_size is {size}, and forward was killed when SQS "
        f"had batch {number}"
    )
    bridge.wait_given_back()
    bridge.finish(bridge.forward(**told), f"{scene}; the next call began")
    repeats = bridge.held(events).repeats(events)
    assert repeats <= size, (
        f"{scene}: the next call should send at most {size} of them again; it sent {repeats} again"
    )
