"""Hidden suite of exercise 07, second half: forward, from RabbitMQ into SQS."""

from __future__ import annotations

import json
import time

import pytest
from bridge_patience import with_patience
from bridge_queues import PATIENCE
from bridge_words import batch, check_count, is_are, was_were

from grader.suite import STOP, Stop, leave_to
from grader.suite.content import count_of, value_of

LONG = 60
"""Seconds: a max_idle that no run reaches."""
PAUSE = 0.75
"""Share of max_idle in which nothing comes."""


# 07.forwards ------------------------------------------------------------------------


@pytest.mark.check("07.forwards")
@with_patience
def test_every_body_as_it_was(new_bridge, odd_events, unusual_text, trips, rng):
    """Two calls in one process, for two queues; JSON in every layout, more than the batch."""
    everything = odd_events + unusual_text
    rng.shuffle(everything)
    layouts = ({}, {"ensure_ascii": False}, {"indent": 1}, {"separators": (",", ":")})
    texts = [
        json.dumps(event, **layouts[number % len(layouts)])
        for number, event in enumerate(everything)
    ]
    # White space around JSON is part of the body; two equal events are two, in one batch too.
    texts[:1] = [f" {texts[0]}\r\n", *[f"{json.dumps(trips(1)[0])}\n"] * 2]
    one, two = new_bridge(), new_bridge(declared=False)
    process, size = one.process(), rng.randint(3, 7)
    # Full batches: what becomes of another is the business of 07.last-batch.
    texts.insert(4 + 2 * size, texts[1])  # nor is it one that an earlier batch held
    half = len(texts) // 2 // size * size
    texts += [json.dumps(event) for event in trips(-(len(texts) - half) % 10)]
    scene = "there was no queue yet, and nobody to put anything into it"
    value = two.finish(two.forward(process), scene)
    check_count(value, 0, scene)
    assert two.exists(two.queue), (
        "forward should declare the queue: there was none after its return"
    )
    for bridge, mine, told in ((one, texts[:half], {"batch_size": size}), (two, texts[half:], {})):
        most = told.get("batch_size", 10)
        bridge.sqs.clear_requests()
        bridge.put(*(text.encode() for text in mine))
        scene = f"{len(mine)} messages were in the queue, and batch_size is {most}"
        value = bridge.forwards(scene, process, **told)
        check_count(value, len(mine), scene)
        sizes = [len(batch) for batch in bridge.batches]
        got = bridge.sqs_bodies()
        odd = next((body for body in got if body not in mine), None)
        changed = f"; one that was not in the queue is {odd!r:.80}" if odd is not None else ""
        assert sorted(got) == sorted(mine), (
            f"{scene}: SQS should hold each with its body as it was; it holds "
            f"{count_of(len(got), 'message')}, {sum(body in mine for body in got)} of them as they "
            f"were{changed}"
        )
        assert max(sizes, default=0) <= most, (
            f"{scene}; a batch should have at most {most} entries, one had {max(sizes, default=0)}"
        )
        assert len(sizes) <= len(mine) // 2, (
            f"{scene}; they should go to SQS in batches: it made {len(sizes)} requests"
        )
        assert bridge.wait_given_back() == 0, (
            f"{scene}, and SQS has them: the queue should be empty, it holds {bridge.ready} "
            "after the return"
        )


# 07.ack-after-sent ------------------------------------------------------------------


@pytest.mark.check("07.ack-after-sent")
def test_killed_before_sqs_has_it(habits):
    """The first request does not arrive, and no answer comes; killed then, the messages are there."""
    assert not habits.forgets_early, habits.forgets_early
    assert not habits.sends_nothing, habits.sends_nothing


@pytest.mark.check("07.ack-after-sent")
def test_killed_before_sqs_has_the_next(habits, rng):
    """The same, of a later request."""
    lost = habits.killed_before_request(rng.randint(3, 6))
    assert not lost, lost


# 07.partial-batch -------------------------------------------------------------------


@pytest.mark.check("07.partial-batch")
@with_patience
def test_refused_entries_are_sent_again(bridge, trips, rng, patience):
    """Some of two batches and of what is left are refused once: they come again, and nothing else does."""
    size, told = batch(rng, 4, 8)
    everything = trips(2 * size + rng.randint(1, size - 1))
    refused = [
        everything[rng.randrange(size)],
        *rng.sample(everything[size : 2 * size], 2),
        rng.choice(everything[2 * size :]),
    ]
    tries = []

    def pick(entry, _):
        event = value_of(str(entry.get("MessageBody")))
        tries.append(event)
        return event in refused and tries.count(event) == 1

    bridge.sqs.fail_batch_entries(pick)
    bridge.put(*everything)
    scene = (
        f"{len(everything)} events were in the queue, batch_size is {size}, and SQS refused "
        f"{bridge.these(refused, everything)} once"
    )
    run = bridge.forward(**told)
    value = bridge.finish(run, scene)
    if untried := [event for event in everything if event not in tries]:
        owner = "07.last-batch" if untried[0] in everything[2 * size :] else "07.forwards"
        never = f"{bridge.these(untried, everything)} {is_are(untried)} in no request to SQS"
        patience.leave_to(owner, f"{scene}: it should send all of them; {never}")
    once = [event for event in refused if tries.count(event) == 1]
    assert not once, (
        f"{scene}: it should send those again; it returned, and had sent "
        f"{bridge.these(once, everything)} once"
    )
    if bridge.ended_while_busy(bridge.max_idle):
        rest = bridge.forwards(f"{scene}; the next call began", run.process, **told)
        value = value + rest if isinstance(value, int) and isinstance(rest, int) else value
    held = bridge.held(everything)
    lost = [event for event in everything if event not in held.sqs]
    assert not lost, f"{scene}: {bridge.these(lost, everything)} {is_are(lost)} not in SQS"
    again = [event for event in everything if held.sqs.count(event) > 1]
    assert not again, (
        f"{scene}: it should send those alone again; {bridge.these(again, everything)} "
        f"{is_are(again)} in SQS more than once"
    )
    assert not held.queue, (
        f"{scene}, and took them then: all should be acknowledged; the queue still holds "
        f"{bridge.these(held.queue, everything)}"
    )
    # Who returns another count always is told so by 07.forwards.
    assert not isinstance(value, int) or value <= len(everything), (
        f"{scene}, and took them then: it should return {len(everything)}; it returned {value}"
    )


@pytest.mark.check("07.partial-batch")
@pytest.mark.parametrize("sender_fault", [False, True])
def test_one_is_refused_again_and_again(bridge, trips, rng, sends, habits, sender_fault):
    """It may be given back or kept trying; the others of its batch are in SQS and acknowledged.

    What SQS calls the sender's fault may be a dead letter at once, as exercise 04 may give it up.
    """
    if habits.forgets_early:
        leave_to("07.ack-after-sent", habits.forgets_early)
        return
    if habits.forgets_refused:
        leave_to("07.backpressure", habits.forgets_refused)
        return
    size, told = batch(rng, 4, 8)
    everything = trips(size)
    number = rng.randrange(size)
    stubborn = everything[number]
    bridge.sqs.fail_batch_entries(
        lambda entry, _: value_of(str(entry.get("MessageBody"))) == stubborn,
        sender_fault=sender_fault,
    )
    bridge.put(*everything)
    scene = (
        f"{size} events were in the queue, one batch, and SQS refused event {number + 1} each time"
        + (", as the sender's fault" if sender_fault else "")
    )
    with bridge.gate.stopped_before(*sends, number=4) as halt:
        run = bridge.forward(**told)
        run.process.case.given(scene)
        if bridge.runs_to(run, halt):
            bridge.kill(run, halt)
    count = sum(
        stubborn in [value_of(str(e.get("MessageBody"))) for e in b] for b in bridge.batches
    )
    assert count > 1 or sender_fault, (
        f"{scene}: it should be sent again at least once; it was sent {count_of(count, 'time')}"
    )
    held = bridge.check_nothing_lost(everything, scene)
    others = [event for event in held.queue if event != stubborn]
    assert not others, (
        f"{scene}: the others should be acknowledged; the queue still holds "
        f"{bridge.these(others, everything)}"
    )
    again = [event for event in everything if held.sqs.count(event) > 1]
    assert not again, (
        f"{scene}: that one alone should be sent again; {bridge.these(again, everything)} "
        f"{is_are(again)} in SQS more than once"
    )


# 07.last-batch ----------------------------------------------------------------------


@pytest.mark.check("07.last-batch")
@with_patience
def test_what_does_not_fill_a_batch(new_bridge, trips, rng):
    """Less than a batch, and more than two; both at a time, since both wait."""
    size, told = batch(rng, 4, 9)
    begun = []
    for count in (rng.randint(1, size - 1), 2 * size + rng.randint(1, size - 1)):
        bridge = new_bridge()
        everything = trips(count)
        bridge.put(*everything)
        begun.append((bridge, everything, bridge.forward(**told)))
    for bridge, everything, run in begun:
        there = count_of(len(everything), "event")
        scene = f"{there} {was_were(everything)} in the queue, and batch_size is {size}"
        bridge.finish(run, scene)
        sqs = bridge.held(everything).sqs
        absent = [event for event in everything if event not in sqs]
        assert not absent, (
            f"{scene}; no other came, so the last batch should be sent after max_idle: "
            f"{bridge.these(absent, everything)} {is_are(absent)} not in SQS after the return"
        )


@pytest.mark.check("07.last-batch")
@with_patience
def test_max_idle_begins_with_the_last_message(bridge, trips, rng, consumer, patience):
    """Batches come for longer than max_idle, with pauses that are shorter; and then none."""
    size = rng.randint(2, 4)
    everything = trips(3 * size)
    max_idle = min(patience.factor * rng.uniform(0.9, 1.0), patience.longest)
    scene = (
        f"batches of {size} events came, with pauses of about {PAUSE * max_idle:.1f} s between them, and "
        f"max_idle is {max_idle:.2f} s"
    )
    bridge.put(*everything[:size])
    run = bridge.forward(batch_size=size, max_idle=max_idle)
    run.process.case.given(scene)
    deadline = time.monotonic() + PATIENCE
    for there in (size, 2 * size):
        while bridge.in_sqs < there and run.waiting(0.003) and time.monotonic() < deadline:
            pass
        # Longer on a busy machine: who returns before the next batch then has waited as well.
        run.waiting(PAUSE * max_idle)
        bridge.put(*everything[there : there + size])
    bridge.finish(run, scene)
    names = ("basic.deliver", "basic.get-ok")
    came = [each["at"] for each in consumer.log.entries if any(n in each["what"] for n in names)]
    waited = consumer.log.entries[-1]["at"] - max(came, default=0.0)
    # The load makes it longer, never shorter.
    assert waited >= max_idle - 0.1, (
        f"{scene}: it should return when none has come for so long; it returned {waited:.2f} s after the "
        "last one came"
    )


def is_quiet(bridge, run, asks, scene):
    """Answer stop() with no so many times; False when it does not ask, the business of 07.stop.

    A program's own questions are the clock here: under load they come later, and so does all else.
    """
    for _ in range(asks):
        if run.waiting(1.0):
            return False
        step = run.next()
        assert isinstance(step, Stop), f"{scene}: it should go on waiting; {bridge.said(step)}"
        run.go_on()
    return True


@pytest.mark.check("07.last-batch")
def test_it_waits_for_max_idle(bridge, trips, rng):
    """The queue is empty for a while, which is shorter than max_idle; then a whole batch comes."""
    size = rng.randint(2, 4)
    everything = trips(size + 1)
    bridge.put(everything[0])
    run = bridge.forward(batch_size=size, max_idle=LONG, stop=STOP)
    scene = f"one event was in the queue, then no more, and max_idle is {LONG} s"
    while bridge.ready > 0 and is_quiet(bridge, run, 1, scene):
        pass
    is_quiet(bridge, run, 4, scene)
    bridge.put(*everything[1:])
    scene = f"{scene}; after a while a whole batch of {size} came"
    deadline = time.monotonic() + 2 * PATIENCE
    while bridge.in_sqs < size and time.monotonic() < deadline:
        is_quiet(bridge, run, 1, scene)
    there = bridge.in_sqs
    assert there >= size, (
        f"{scene}: it should be sent at once; {count_of(there, 'event')} "
        f"{'is' if there == 1 else 'are'} in SQS {2 * PATIENCE:.0f} s later"
    )
