"""Hidden suite of exercise 07: forward while SQS or RabbitMQ is away, and what cannot be moved."""

from __future__ import annotations

import pytest
from bridge_patience import with_patience
from bridge_words import batch, is_are

from grader.suite import STOP, Raised, Returned, Stop, content, leave_to
from grader.suite.content import count_of, to_message, value_of

LONG = 60
"""Seconds: a max_idle that no run reaches."""
LIMIT = 1_048_576
"""Bytes of a message, and of a batch."""


# 07.backpressure --------------------------------------------------------------------


@pytest.mark.check("07.backpressure")
def test_sqs_refuses_the_request(habits):
    """The SQS queue is not there: nothing was taken, so nothing is acknowledged."""
    if habits.forgets_early:
        leave_to("07.ack-after-sent", habits.forgets_early)
        return
    assert not habits.forgets_refused, habits.forgets_refused


@pytest.mark.check("07.backpressure")
@with_patience
def test_sqs_refuses_for_a_while(bridge, trips, rng, answers, habits):
    """Three requests in a row: meanwhile at most a batch is held, and nothing is acknowledged."""
    if habits.forgets_early:
        leave_to("07.ack-after-sent", habits.forgets_early)
        return
    size, told = batch(rng, 3, 6)
    everything = trips(rng.randint(5, 6) * size)
    total = len(everything)
    bridge.sqs.fail_batch_entries(lambda _, number: number <= 3)
    bridge.put(*everything)
    scene = f"{total} events were in the queue, batch_size is {size}, and SQS refused every entry"
    run = step = None
    with bridge.gate.recording() as crossed:
        for request in (1, 2, 3):
            with bridge.gate.stopped_before(*answers) as halt:
                if run is None:
                    run = bridge.forward(**told)
                    run.process.case.given(scene)
                if not bridge.runs_to(run, halt):
                    break  # it gave up, which it may
                if (most := max(map(len, bridge.batches), default=0)) > size:
                    more = f"{scene}: a batch should have at most {size} entries, one had {most}"
                    leave_to("07.forwards", more)
                    return
                for _ in range(10):
                    bridge.look_again()  # the broker may still be sending
                    held = total - bridge.ready
                    assert held <= size, (
                        f"{scene}: it should hold at most {size} messages meanwhile, and leave the "
                        f"rest in the queue; at request {request} it held {held}"
                    )
                acked = [each.said for each in crossed if each.up and each.name == "basic.ack"]
                assert not acked, (
                    f"{scene}, so nothing should be acknowledged; it acknowledged "
                    f"{count_of(len(acked), 'message')}"
                )
    if run.over:  # it gave up: SQS takes them by the next call
        bridge.sqs.fail_batch_entries(None)
    else:
        step = bridge.outcome(run, f"{scene}, three times, and then took them")
    # The last request is taken: who returns then has waited with that batch for max_idle.
    if not isinstance(step, Returned) or (
        bridge.in_sqs and bridge.ended_while_busy(bridge.max_idle)
    ):
        bridge.wait_given_back()
        bridge.wait_ready(total - bridge.in_sqs)
        bridge.forwards(
            f"{scene}, and later took them; {bridge.said(step)}, and the next call began"
        )
    held = bridge.check_nothing_lost(everything, f"{scene}, and later took them")
    absent = [event for event in everything if event not in held.sqs]
    assert not absent, (
        f"{scene}, and later took them: {bridge.these(absent, everything)} {is_are(absent)} not in SQS"
    )


# 07.broker-gone ---------------------------------------------------------------------


@pytest.mark.check("07.broker-gone")
@pytest.mark.parametrize("when", ["waiting", "sent"])
@with_patience
def test_the_connection_is_dropped(bridge, trips, rng, answers, patience, when):
    """While it waits for messages, or before it hears that SQS has a batch; then the next call."""
    size = rng.randint(3, 5)
    everything = trips(size if when == "sent" else size - 1)
    if when == "sent":
        bridge.put(*everything)
        with bridge.gate.stopped_before(*answers) as halt:
            run = bridge.forward(batch_size=size)
            if not bridge.runs_to(run, halt):
                patience.leave_to("07.forwards", bridge.unsent(everything, "a request"))
            bridge.rabbitmq.drop_connections()
        scene = f"RabbitMQ dropped the connection while SQS took a batch of {size}"
    else:
        run = bridge.forward(max_idle=LONG, batch_size=size)
        bridge.wait_consumes(run)
        bridge.rabbitmq.drop_connections()
        scene = "RabbitMQ dropped the connection while it waited for messages"
    step = bridge.outcome(run, scene)
    assert isinstance(step, Raised), f"{scene}, which should be an exception; {bridge.said(step)}"
    if when == "waiting":
        bridge.put(*everything)
    bridge.wait_given_back()
    bridge.wait_ready(len(everything))
    bridge.forwards(f"{scene}, and the next call began", run.process, batch_size=size)
    sqs = bridge.held(everything).sqs
    absent = [event for event in everything if event not in sqs]
    assert not absent, (
        f"{scene}; after the next call {bridge.these(absent, everything)} {is_are(absent)} not in SQS"
    )


@pytest.mark.check("07.broker-gone")
def test_the_queue_is_deleted(bridge):
    """Nothing can come any more, long before max_idle: that is no normal return."""
    run = bridge.forward(max_idle=LONG, stop=STOP)
    bridge.wait_consumes(run)
    bridge.delete_queue()
    # Who goes on waiting says nothing wrong, and pika tells only who asks for it.
    for _ in range(6):
        if run.waiting(1.0) or not isinstance(step := run.next(), Stop):
            break
        run.go_on()
    assert not run.over or isinstance(step, Raised), (
        f"the queue was deleted, and max_idle is {LONG} s: that should be an exception; "
        f"{bridge.said(step)}"
    )


# 07.bad-line ------------------------------------------------------------------------


@pytest.mark.check("07.bad-line")
@pytest.mark.parametrize("fifo", [False, True])
@with_patience
def test_bad_messages_in_the_queue(new_bridge, trips, rng, fifo):
    """What SQS can never take is a dead letter; what is no event goes there or on; all just once.

    A FIFO queue takes none: what is no event has no event_id.
    """
    bridge = new_bridge(fifo=fifo)
    if bridge.leaves_rejected():
        return
    everything = trips(3)
    hopeless = [b"", b'{"note": "\xe9"}']
    marked = b"\xef\xbb\xbf" + to_message(trips(1)[0])  # some take it for an event, and some do not
    # SQS takes a tab, and no NUL.
    no_events = [each for each in (*content.BAD, content.LENIENT[0]) if each.isascii()]
    if fifo:
        no_events += [b'["event_id", "pickup_zone"]', b'"event_id pickup_zone"']
    bad = [*hopeless, *no_events, marked]
    rng.shuffle(bad)
    cut = rng.randint(2, len(bad) - 2)
    bridge.put(everything[0], *bad[:cut], everything[1], *bad[cut:], everything[2])
    where = "the queue, and the SQS queue is FIFO" if fifo else "the queue"
    scene = f"{len(bad)} bad messages lay between three events in {where}"
    process = bridge.process()
    bridge.forwards(scene, process)
    bridge.forwards(f"{scene}, and a second call began", process)
    bridge.wait_given_back()
    sqs = [body.encode() for body in bridge.sqs_bodies()]
    dead, left = bridge.bodies(bridge.dead), bridge.bodies()
    got = [value_of(body) for body in sqs]
    absent = [event for event in everything if event not in got]
    assert not absent, (
        f"{scene}: the events should be in SQS; {bridge.these(absent, everything)} {is_are(absent)} not"
    )
    assert not left, f"{scene}: the queue should be empty after that; it holds {left[0]!r:.60}"
    for body in bad:
        count = dead.count(body) + sqs.count(body)
        assert count == 1, (
            f"{scene}: each should be once in the dead-letter queue, or in SQS where SQS takes it; "
            f"{body!r:.60} is there {count} times"
        )


# 07.too-large -----------------------------------------------------------------------


@pytest.mark.check("07.too-large")
@with_patience
def test_too_large_for_sqs(bridge, trips, rng):
    """In bytes, one of them not in characters; the largest of the others is near the limit."""
    if bridge.leaves_rejected():
        return
    everything = trips(6)
    everything[1]["note"] = "x" * (LIMIT + rng.randint(1, 9000))
    everything[3]["note"] = "\u00e3" * (LIMIT // 2 + rng.randint(1, 9000))
    everything[4]["note"] = "x" * (LIMIT - rng.randint(60_000, 90_000))
    everything[5]["note"] = ""
    everything[5]["note"] = "x" * (LIMIT - len(to_message(everything[5])))
    large = [everything[1], everything[3]]
    bridge.put(*everything)
    scene = (
        "of 6 events in the queue two had more than 1,048,576 bytes, and one had exactly so many"
    )
    value = bridge.forwards(scene, batch_size=3)
    held = bridge.held(everything)
    if any(entry.get("MessageAttributes") for batch in bridge.batches for entry in batch):
        large += [everything[5]] * (everything[5] in held.dead)  # attributes count too
    rest = [event for event in everything if event not in large]
    absent = [event for event in rest if event not in held.sqs]
    assert not absent, (
        f"{scene}: the others should go on; {bridge.these(absent, everything)} {is_are(absent)} not in SQS"
    )
    assert held.dead == large, (
        f"{scene}; events 2 and 4 should be in the dead-letter queue; it holds "
        f"{bridge.these(held.dead, everything)}, and the queue {bridge.these(held.queue, everything)}"
    )
    # Who returns another count always is told so by 07.forwards.
    assert not isinstance(value, int) or value <= len(rest), (
        f"{scene}: it should return {len(rest)}, as many as SQS took; it returned {value}"
    )


@pytest.mark.check("07.too-large")
@with_patience
def test_too_large_together(bridge, trips, rng):
    """Each small enough, and a batch of ten of them not: they go in more than one batch."""
    everything = trips(rng.randint(6, 8))
    for event in everything:
        event["note"] = "\u00e3" * rng.randint(120_000, 170_000)
    bridge.put(*everything)
    scene = f"{len(everything)} events of 240,000 to 340,000 bytes were in the queue, and batch_size is 10"
    bridge.forwards(f"{scene}; SQS takes 1,048,576 bytes in one batch")
    sqs = bridge.held(everything).sqs
    absent = [event for event in everything if event not in sqs]
    assert not absent, (
        f"{scene}; SQS takes 1,048,576 bytes in one batch: {bridge.these(absent, everything)} "
        f"{is_are(absent)} not in SQS"
    )
