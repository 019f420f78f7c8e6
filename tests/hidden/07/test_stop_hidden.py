"""Hidden suite of exercise 07: how forward ends when it is told to, or interrupted."""

from __future__ import annotations

import threading
import time

import pytest
from bridge_queues import PATIENCE
from bridge_words import batch, check_count, was_were

from grader.suite import STOP, Raised, Returned, Stop, exceptions, leave_to
from grader.suite.content import count_of, value_of

LONG = 60
"""Seconds: a max_idle that no run reaches."""
SLOW = 0.15
"""Seconds that SQS takes for an answer, where messages have to come for longer than stop() may wait."""
TOLD = 10
"""How often stop() may return True and the call go on."""
DEAF = 2.0
"""Seconds for a program that gives up after a refusal, and has not called stop() again."""
GAP = 0.5
"""Seconds between two calls of stop(): twice what is allowed, for a machine that is busy."""
BATCH = 10
TRICKLE = 0.12
"""Seconds between two messages: less than many wait before they take it for silence."""
SLOWLY = 0.9
"""Seconds between two calls of stop(): less than a batch takes to come."""


# 07.stop ----------------------------------------------------------------------------


def stop_at(run, scene, ready):
    """Answer stop() with no until it is `ready`, then with yes; the step that the call ends with."""
    run.process.case.given(scene)
    deadline = time.monotonic() + 2 * PATIENCE
    while True:
        step = run.next("call stop() or return")
        if not isinstance(step, Stop):
            return step
        if ready() or time.monotonic() > deadline:
            return stopped(run, scene)
        run.go_on()


def stopped(run, scene):
    """Let stop() return True; the step that the call ends with."""
    deadline = time.monotonic() + PATIENCE
    told = 0
    step = Stop()
    while isinstance(step, Stop):
        run.stops()
        told += 1
        left = deadline - time.monotonic()
        # Who is told so many times goes on; under load a few questions may take as long.
        goes_on = run.waiting(max(0.0, left)) or (left < 0 and told > TOLD)
        assert not goes_on, (
            f"{scene}, and stop() returned True: it should return within a second; it had not "
            f"{PATIENCE:.0f} s later"
        )
        step = run.next("return")
    return step


@pytest.mark.check("07.stop")
def test_stop_while_the_queue_is_empty(bridge, rng):
    """It is asked often enough, and the call returns."""
    run = bridge.forward(max_idle=LONG, stop=STOP)
    scene = f"the queue was empty, and max_idle is {LONG} s"
    gaps = []
    run.process.case.given(scene)
    answered = None
    questions = rng.randint(3, 7)
    # The load makes a gap longer, never shorter: one that is short enough proves it.
    while len(gaps) < questions or (len(gaps) < 2 * questions and min(gaps) > GAP):
        step = run.next("call stop()")
        waits = f"{scene}: it should call stop() and wait; {bridge.said(step)}"
        if isinstance(step, Returned):
            leave_to("07.last-batch", waits)
            return
        assert isinstance(step, Stop), waits
        if answered is not None:
            gaps.append(time.monotonic() - answered)
        run.go_on()
        answered = time.monotonic()
    assert min(gaps) <= GAP, (
        f"{scene}: it should call stop() at least four times a second; between {len(gaps) + 1} calls "
        f"there were {min(gaps):.1f} s at least"
    )
    run.next("call stop()")
    step = stopped(run, scene)
    assert isinstance(step, Returned), f"{scene}, and stop() returned True; {bridge.said(step)}"
    check_count(step.value, 0, f"{scene}, and stop() returned True")


@pytest.mark.check("07.stop")
def test_stop_while_messages_trickle(new_bridge, trips):
    """They come one at a time, with less than a moment of silence between them."""
    gaps = []
    # The load makes a gap longer, never shorter: one that is short enough proves it.
    while len(gaps) < 3 and not (gaps and min(gaps) <= SLOWLY):
        gap = longest_gap(new_bridge(), trips(BATCH + 2))
        if isinstance(gap, str):
            leave_to("07.last-batch", gap)
            return
        gaps.append(gap)
    assert min(gaps) <= SLOWLY, (
        f"a message came every {TRICKLE} s, and batch_size is {BATCH}: it should call stop() at least four "
        f"times a second; between two calls there were {min(gaps):.1f} s"
    )


def longest_gap(bridge, events) -> float | str:
    """Put events into the queue of a forward that waits; the longest time between two calls of stop().

    Where it ends before, that as a sentence.
    """
    run = bridge.forward(max_idle=LONG, batch_size=BATCH, stop=STOP)
    scene = (
        f"messages came one at a time, and max_idle is {LONG} s: it should call stop() and wait; "
    )
    if not isinstance(step := run.next("call stop()"), Stop):
        return scene + bridge.said(step)
    run.go_on()
    longest, last = 0.0, time.monotonic()
    for event in events:
        bridge.put(event)
        end = time.monotonic() + TRICKLE
        while not run.waiting(max(0.0, end - time.monotonic())):
            if not isinstance(step := run.next("call stop()"), Stop):
                return scene + bridge.said(step)
            longest = max(longest, time.monotonic() - last)
            run.go_on()
            last = time.monotonic()
    run.kill()
    return longest


@pytest.mark.check("07.stop")
@pytest.mark.parametrize(("refused", "asks"), [(False, 1), (False, 2), (True, 1)])
def test_stop_with_messages_in_hand(bridge, trips, rng, refused, asks, habits):
    """A batch that SQS refuses, and less than one: it is sent and acknowledged, or given back.

    Who asks between two messages has none in hand at the first question, and one at the second.
    """
    if habits.forgets_early:
        leave_to("07.ack-after-sent", habits.forgets_early)
        return
    if refused and habits.forgets_refused:
        leave_to("07.backpressure", habits.forgets_refused)
        return
    size, told = batch(rng, 5, 9)
    # One that is not full may be kept until max_idle, and a full one is sent.
    everything = trips(size if refused else rng.randint(2, size - 1))
    total = len(everything)
    refusals = []
    if refused:
        bridge.sqs.fail_batch_entries(lambda _entry, _number: not refusals.append(time.monotonic()))
    bridge.put(*everything)
    but = "; SQS refused them" if refused else ""
    scene = f"{total} events were in the queue, batch_size is {size}, and max_idle is {LONG} s{but}"

    asked, at, gaps, acked = 0, 0.0, [], []

    def is_in_hand():
        nonlocal asked, at
        asked += bool(bridge.batches if refused else bridge.ready == 0)
        acked[:] = [each for each in crossed if each.up and each.name == "basic.ack"]
        if not refused or asked == 0:
            return asked >= asks
        if asked > 1:
            gaps.append(time.monotonic() - at)
        at = time.monotonic()
        # The load makes a gap longer, never shorter: one that is short enough proves it.
        return bool(gaps) and (min(gaps) <= GAP or len(gaps) == asks + 2)

    with bridge.gate.recording() as crossed:
        run = bridge.forward(max_idle=LONG, stop=STOP, **told)
        step = stop_at(run, scene, is_in_hand)
    if refused and acked:
        early = (
            f"nothing should be acknowledged; {count_of(len(acked), 'message')} {was_were(acked)}"
        )
        leave_to("07.backpressure", f"{scene}: {early}")
        return
    often = (
        f"{scene}: it should call stop() at least four times a second, also before it sends again"
    )
    assert not gaps or min(gaps) <= GAP, f"{often}; between two calls there were {min(gaps):.1f} s"
    silent = time.monotonic() - refusals[0] if refusals and not asked else 0.0
    assert silent <= DEAF, f"{often}; for {silent:.1f} s it did not, and then {bridge.said(step)}"
    assert refused or isinstance(step, Returned), (
        f"{scene}, and stop() returned True: it should return; {bridge.said(step)}"
    )
    held = bridge.check_nothing_lost(everything, f"{scene}, and stop() returned True")
    repeats = held.repeats(everything)
    assert not repeats, (
        f"{scene}, and stop() returned True. What is in hand should be sent and acknowledged, or back "
        f"in the queue: {count_of(repeats, 'event')} {'is' if repeats == 1 else 'are'} in both"
    )
    closed = bridge.rabbitmq.wait_closed(PATIENCE)
    assert closed, (
        f"{scene}, and stop() returned True: a connection was still open after the return"
    )
    if asks == 2 and isinstance(step, Returned):
        scene = f"{scene}, and stop() returned True; then both queues were empty, and it was called again"
        bridge.finish(bridge.forward(run.process, **told), scene)
        left_over = [value_of(body) for body in bridge.sqs_bodies()]
        assert not left_over, (
            f"{scene}: there is nothing to send; it sent {bridge.these(left_over, everything)}, which "
            "the first call had held"
        )


@pytest.mark.check("07.stop")
def test_what_stop_raises(bridge, trips, habits):
    """Ctrl-C and SystemExit leave forward unchanged, with the connection closed and nothing lost."""
    if habits.forgets_early:
        leave_to("07.ack-after-sent", habits.forgets_early)
        return
    everything = trips(3)
    bridge.put(*everything)
    process = None
    for kind in exceptions.STOPPING:
        run = bridge.forward(process, max_idle=LONG, stop=STOP)
        process = run.process
        scene = f"3 events were in the queue, and stop() raised {kind}"
        process.case.given(scene)
        step = run.next("call stop()")
        asks = f"{scene}: it should call stop(); {bridge.said(step)}"
        if isinstance(step, Returned):
            leave_to("07.last-batch", asks)
            return
        assert isinstance(step, Stop), asks
        if step.in_thread:
            return  # in a thread of its own an exception ends that thread; Ctrl-C never comes there
        run.fails(kind)
        step = run.next("let that exception out")
        left = isinstance(step, Raised) and step.by_handle
        assert left, f"{scene}, which should leave forward unchanged; {bridge.said(step)}"
        closed = bridge.rabbitmq.wait_closed(PATIENCE)
        assert closed, f"{scene}: a connection was still open {PATIENCE:.0f} s later"
    bridge.check_nothing_lost(everything, "3 events were in the queue, and stop() raised Ctrl-C")


@pytest.mark.check("07.stop")
def test_stop_while_messages_come(bridge, trips, rng, habits):
    """They come without a pause, and SQS takes its time: it is asked all the same."""
    if habits.forgets_early:
        leave_to("07.ack-after-sent", habits.forgets_early)
        return
    size, told = batch(rng, 3, 5)
    everything = trips(12 * size)
    # The stream must last for longer than two calls of stop() may be apart.
    pause = threading.Event()
    bridge.sqs.fail_batch_entries(lambda entry, _: pause.wait(SLOW / size))
    bridge.put(*everything)
    run = bridge.forward(max_idle=LONG, stop=STOP, **told)
    scene = f"{len(everything)} events were in the queue, and batch_size is {size}"
    asked = []
    step = stop_at(run, scene, lambda: asked.append(1) or len(bridge.batches) > 0)
    assert asked, f"{scene}: it should call stop(); {bridge.said(step)}, and never had"
    assert isinstance(step, Returned), (
        f"{scene}, and stop() returned True: it should return; {bridge.said(step)}"
    )
    held = bridge.check_nothing_lost(everything, f"{scene}, and stop() returned True")
    assert held.queue, (
        f"{scene}, more than it holds at a time: it should call stop() also while messages come, and "
        "leave the rest in the queue; all of them were in SQS when it asked, or returned"
    )
