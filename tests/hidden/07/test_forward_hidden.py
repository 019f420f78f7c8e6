"""Hidden suite of exercise 07, second half: forward, from RabbitMQ into SQS."""

from __future__ import annotations

import json
import threading
import time

import pytest

from grader.suite import STOP, Raised, Returned, Stop, content, exceptions
from grader.suite.steps import shorten

LONG = 60
"""Seconds: a max_idle that no run reaches."""
PATIENCE = 5.0  # seconds; only a wrong submission waits so long
LIMIT = 1_048_576
"""Bytes of a message, and of a batch."""
SLOW = 0.15
"""Seconds that SQS takes for an answer, where messages have to come for longer than stop() may wait."""
TOLD = 10
"""How often stop() may return True and the call go on."""
GAP = 0.5
"""Seconds between two calls of stop(): twice what is allowed, for a machine that is busy."""


def read(body):
    """The value of a body, or the body where it is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def count_of(number, noun):
    """A number and its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def is_are(things):
    """The verb for so many."""
    return "is" if len(things) == 1 else "are"


def was_were(things):
    """The verb for so many, in the past."""
    return "was" if len(things) == 1 else "were"


def check_count(value, number, scene):
    """Forward returned how many messages SQS took."""
    assert value == number, f"{scene}: it should return {number}; it returned {shorten(value)}"


def check_nothing_lost(bridge, events, scene, held=None):
    """Each event is in one of the places; what they held."""
    held = held or bridge.held(events)
    lost = held.missing(events)
    assert not lost, (
        f"{scene}: {bridge.these(lost, events)} {is_are(lost)} neither in the queue, nor in its "
        "dead-letter queue, nor in SQS"
    )
    return held


# 07.forwards ------------------------------------------------------------------------


@pytest.mark.check("07.forwards")
def test_every_body_as_it_was(new_bridge, odd_events, unusual_text, rng):
    """Two calls in one process, for two queues; JSON in every layout, more than the batch."""
    everything = odd_events + unusual_text
    rng.shuffle(everything)
    layouts = ({}, {"ensure_ascii": False}, {"indent": 1}, {"separators": (",", ":")})
    texts = [
        json.dumps(event, **layouts[number % len(layouts)])
        for number, event in enumerate(everything)
    ]
    one, two = new_bridge(), new_bridge(declared=False)
    process, size = one.process(), rng.randint(3, 7)
    # Full batches: what becomes of another is the business of 07.last-batch.
    half = len(texts) // 2 // size * size
    texts = texts[: half + (len(texts) - half) // 10 * 10]
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
        value = bridge.finish(bridge.forward(process, **told), scene)
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
        assert max(sizes) <= most, (
            f"{scene}; a batch should have at most {most} entries, one had {max(sizes)}"
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


@pytest.mark.check("07.ack-after-sent")
def test_killed_before_sqs_has_the_next(habits):
    """The same, of the second request."""
    lost = habits.killed_before_request(2)
    assert not lost, lost


# 07.partial-batch -------------------------------------------------------------------


@pytest.mark.check("07.partial-batch")
def test_refused_entries_are_sent_again(bridge, trips, rng):
    """Some of two batches are refused once: they come again, and nothing else does."""
    size = rng.randint(4, 8)
    everything = trips(2 * size)
    refused = [everything[rng.randrange(size)], *rng.sample(everything[size:], 2)]
    tries = []

    def pick(entry, _):
        event = read(str(entry.get("MessageBody")))
        tries.append(event)
        return event in refused and tries.count(event) == 1

    bridge.sqs.fail_batch_entries(pick)
    bridge.put(*everything)
    scene = (
        f"{len(everything)} events were in the queue, batch_size is {size}, and SQS refused "
        f"{bridge.these(refused, everything)} once"
    )
    value = bridge.finish(bridge.forward(batch_size=size), scene)
    held = bridge.held(everything)
    lost = [event for event in everything if event not in held.sqs]
    assert not lost, (
        f"{scene}: it should send those again; {bridge.these(lost, everything)} {is_are(lost)} not in SQS"
    )
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
def test_one_is_refused_again_and_again(bridge, trips, rng, sends, habits):
    """It may be given back or kept trying; the others of its batch are in SQS and acknowledged."""
    if habits.forgets_early or habits.forgets_refused:
        return  # 07.ack-after-sent or 07.backpressure tells
    size = rng.randint(4, 8)
    everything = trips(size)
    number = rng.randrange(size)
    stubborn = everything[number]
    bridge.sqs.fail_batch_entries(lambda entry, _: read(str(entry.get("MessageBody"))) == stubborn)
    bridge.put(*everything)
    run = bridge.forward(batch_size=size)
    scene = (
        f"{size} events were in the queue, one batch, and SQS refused event {number + 1} each time"
    )
    run.process.case.given(scene)
    with bridge.gate.stopped_before(*sends, number=4) as halt:
        if bridge.runs_to(run, halt):
            bridge.kill(run, halt)
    count = sum(stubborn in [read(str(e.get("MessageBody"))) for e in b] for b in bridge.batches)
    assert count > 1, f"{scene}: it should be sent again at least once; it was sent {count} time"
    held = check_nothing_lost(bridge, everything, scene)
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
def test_what_does_not_fill_a_batch(new_bridge, trips, rng):
    """Less than a batch, and more than two; both at a time, since both wait."""
    size = rng.randint(4, 9)
    begun = []
    for count in (rng.randint(1, size - 1), 2 * size + rng.randint(1, size - 1)):
        bridge = new_bridge()
        everything = trips(count)
        bridge.put(*everything)
        begun.append((bridge, everything, bridge.forward(batch_size=size)))
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
def test_max_idle_begins_with_the_last_message(bridge, trips, rng, consumer):
    """Messages come for longer than max_idle, since SQS takes its time; and then none."""
    size = rng.randint(2, 4)
    everything = trips(5 * size)
    asked = set()
    pause = threading.Event()

    def take_time(_, number):
        if number not in asked:
            asked.add(number)
            pause.wait(SLOW)
        return False

    bridge.sqs.fail_batch_entries(take_time)
    bridge.put(*everything)
    max_idle = rng.uniform(0.5, 0.6)
    scene = f"{len(everything)} events were in the queue, and max_idle is {max_idle:.2f} s"
    bridge.finish(bridge.forward(batch_size=size, max_idle=max_idle), scene)
    came = [each["at"] for each in consumer.log.entries if "basic.deliver" in each["what"]]
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


# 07.backpressure --------------------------------------------------------------------


@pytest.mark.check("07.backpressure")
def test_sqs_refuses_the_request(habits):
    """The SQS queue is not there: nothing was taken, so nothing is acknowledged."""
    if habits.forgets_early:
        return  # 07.ack-after-sent tells
    assert not habits.forgets_refused, habits.forgets_refused


@pytest.mark.check("07.backpressure")
def test_sqs_refuses_for_a_while(bridge, trips, rng, answers, habits):
    """Three requests in a row: meanwhile at most a batch is held, and nothing is acknowledged."""
    if habits.forgets_early:
        return  # 07.ack-after-sent tells
    size = rng.randint(3, 6)
    everything = trips(rng.randint(5, 6) * size)
    total = len(everything)
    bridge.sqs.fail_batch_entries(lambda _, number: number <= 3)
    bridge.put(*everything)
    scene = f"{total} events were in the queue, batch_size is {size}, and SQS refused every entry"
    run = bridge.forward(batch_size=size)
    run.process.case.given(scene)
    step = None
    with bridge.gate.recording() as crossed:
        for request in (1, 2, 3):
            with bridge.gate.stopped_before(*answers) as halt:
                if not bridge.runs_to(run, halt):
                    break  # it gave up, which it may
                if max(map(len, bridge.batches)) > size:
                    return  # 07.forwards tells
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
    if not run.over:
        step = bridge.outcome(run, f"{scene}, three times, and then took them")
    if not isinstance(step, Returned):
        bridge.wait_given_back()
        bridge.wait_ready(total)
        bridge.finish(bridge.forward(), f"{scene}; an exception left it, and the next call began")
    held = check_nothing_lost(bridge, everything, f"{scene}, and later took them")
    absent = [event for event in everything if event not in held.sqs]
    assert not absent, (
        f"{scene}, and later took them: {bridge.these(absent, everything)} {is_are(absent)} not in SQS"
    )


# 07.broker-gone ---------------------------------------------------------------------


@pytest.mark.check("07.broker-gone")
@pytest.mark.parametrize("when", ["waiting", "sent"])
def test_the_connection_is_dropped(bridge, trips, rng, answers, when):
    """While it waits for messages, or before it hears that SQS has a batch; then the next call."""
    size = rng.randint(3, 5)
    everything = trips(size if when == "sent" else size - 1)
    if when == "sent":
        bridge.put(*everything)
        run = bridge.forward(batch_size=size)
        with bridge.gate.stopped_before(*answers) as halt:
            if not bridge.runs_to(run, halt):
                return  # 07.forwards tells
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
    bridge.finish(bridge.forward(run.process, batch_size=size), f"{scene}, and the next call began")
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
def test_bad_messages_in_the_queue(bridge, trips, rng):
    """What SQS can never take is a dead letter; what is no event goes there or on; all just once."""
    everything = trips(3)
    hopeless = [b"", b'{"note": "\xe9"}']
    no_events = [each for each in content.BAD if each.isascii()]
    bad = rng.sample(hopeless + no_events, len(hopeless) + len(no_events))
    cut = rng.randint(2, len(bad) - 2)
    bridge.put(everything[0], *bad[:cut], everything[1], *bad[cut:], everything[2])
    scene = f"{len(bad)} bad messages lay between three events in the queue"
    run = bridge.forward()
    bridge.finish(run, scene)
    bridge.finish(bridge.forward(run.process), f"{scene}, and a second call began")
    bridge.wait_given_back()
    sqs = [body.encode() for body in bridge.sqs_bodies()]
    dead, left = bridge.bodies(bridge.dead), bridge.bodies()
    got = [read(body) for body in sqs]
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
def test_too_large_for_sqs(bridge, trips, rng):
    """In bytes, one of them not in characters; the largest of the others is near the limit."""
    everything = trips(5)
    everything[1]["note"] = "x" * (LIMIT + rng.randint(1, 9000))
    everything[3]["note"] = "\u00e3" * (LIMIT // 2 + rng.randint(1, 9000))
    everything[4]["note"] = "x" * (LIMIT - rng.randint(60_000, 90_000))
    large = [everything[1], everything[3]]
    bridge.put(*everything)
    scene = "two of 5 events in the queue had more than 1,048,576 bytes"
    bridge.finish(bridge.forward(batch_size=3), scene)
    held = bridge.held(everything)
    rest = [event for event in everything if event not in large]
    absent = [event for event in rest if event not in held.sqs]
    assert not absent, (
        f"{scene}: the others should go on; {bridge.these(absent, everything)} {is_are(absent)} not in SQS"
    )
    assert held.dead == large, (
        f"{scene}, events 2 and 4: these should be in the dead-letter queue; it holds "
        f"{bridge.these(held.dead, everything)}, and the queue {bridge.these(held.queue, everything)}"
    )


@pytest.mark.check("07.too-large")
def test_too_large_together(bridge, trips, rng):
    """Each small enough, and a batch of ten of them not: they go in more than one batch."""
    everything = trips(rng.randint(6, 8))
    for event in everything:
        event["note"] = "x" * rng.randint(240_000, 340_000)
    bridge.put(*everything)
    scene = f"{len(everything)} events of 240,000 to 340,000 bytes were in the queue, and batch_size is 10"
    bridge.finish(bridge.forward(), f"{scene}; SQS takes 1,048,576 bytes in one batch")
    sqs = bridge.held(everything).sqs
    absent = [event for event in everything if event not in sqs]
    assert not absent, (
        f"{scene}; SQS takes 1,048,576 bytes in one batch: {bridge.these(absent, everything)} "
        f"{is_are(absent)} not in SQS"
    )


# 07.once ----------------------------------------------------------------------------


@pytest.mark.check("07.once")
def test_once_and_in_order(new_bridge, trips, rng, answers, habits):
    """Killed when SQS had the second batch, and one event twice in the queue."""
    if habits.forgets_early:
        return  # 07.ack-after-sent tells
    bridge = new_bridge(fifo=True)
    size = rng.randint(3, 5)
    everything = trips(3 * size - 1)
    everything[rng.randrange(size)]["event_id"] = 0
    for number, zone in enumerate(content.ZONES):
        everything[number % len(everything)]["pickup_zone"] = zone
    twice = everything[rng.randrange(size)]
    bridge.put(*everything, twice)
    run = bridge.forward(batch_size=size)
    scene = (
        f"{len(everything)} events were in the queue, one of them twice, and the SQS queue is FIFO"
    )
    run.process.case.given(scene)
    with bridge.gate.stopped_before(*answers, number=2) as halt:
        if bridge.runs_to(run, halt):
            bridge.kill(run, halt)
            scene += "; the process was killed when SQS had taken the second batch"
    bridge.wait_given_back()
    bridge.finish(bridge.forward(batch_size=size), f"{scene}, and the next call began")
    messages = bridge.take_sqs()
    events = [read(message["Body"]) for message in messages]
    absent = [event for event in everything if event not in events]
    assert not absent, (
        f"{scene}. After the next call SQS should hold each event: {bridge.these(absent, everything)} "
        f"{is_are(absent)} not there"
    )
    again = [event for event in everything if events.count(event) > 1]
    assert not again, (
        f"{scene}. After the next call SQS should hold each event once: "
        f"{bridge.these(again, everything)} came more than once"
    )
    for event, message in zip(events, messages, strict=True):
        zone, group = event["pickup_zone"], message["Attributes"].get("MessageGroupId")
        assert group == zone.replace(" ", "-"), (
            f"the message group of an event should be its pickup_zone with spaces replaced by -, "
            f"{zone.replace(' ', '-')!r}; it is {group!r:.60}"
        )
        given = message["Attributes"].get("MessageDeduplicationId")
        assert given == str(event["event_id"]), (
            f"the deduplication id of an event should be its event_id, {event['event_id']}; it is "
            f"{given!r:.80}"
        )
    for zone in content.ZONES:
        wanted = [event for event in everything if event["pickup_zone"] == zone]
        found = [event for event in events if event["pickup_zone"] == zone]
        assert found == wanted, (
            f"{scene}. The events of {zone} should come in the order of the queue, "
            f"{bridge.these(wanted, everything)}; they came as {bridge.these(found, everything)}"
        )


@pytest.mark.check("07.once")
def test_events_without_what_fifo_needs(new_bridge, trips, rng):
    """One has no deduplication id, another no group: they are dead letters, and the others go on."""
    bridge = new_bridge(fifo=True)
    everything = trips(5)
    without = {
        "event_id": everything[rng.randrange(2)],
        "pickup_zone": everything[rng.choice((2, 3))],
    }
    for field, event in without.items():
        del event[field]
    bridge.put(*everything)
    scene = "the SQS queue is FIFO, and of 5 events one has no event_id and another no pickup_zone"
    bridge.finish(bridge.forward(batch_size=3), scene)
    held = bridge.held(everything)
    wanted = list(without.values())
    absent = [event for event in everything if event not in wanted and event not in held.sqs]
    assert not absent, (
        f"{scene}: the others should go on; {bridge.these(absent, everything)} {is_are(absent)} not in SQS"
    )
    assert content.same(held.dead, wanted), (
        f"{scene}, {bridge.these(wanted, everything)}: these should be in the dead-letter queue, which "
        f"holds {bridge.these(held.dead, everything)}"
    )


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
def test_stop_while_the_queue_is_empty(bridge):
    """It is asked often enough, and the call returns."""
    run = bridge.forward(max_idle=LONG, stop=STOP)
    scene = f"the queue was empty, and max_idle is {LONG} s"
    gaps = []
    run.process.case.given(scene)
    answered = None
    # The load makes a gap longer, never shorter: one that is short enough proves it.
    while len(gaps) < 5 and not (gaps and min(gaps) <= GAP):
        step = run.next("call stop()")
        if isinstance(step, Returned):
            return  # 07.last-batch tells
        assert isinstance(step, Stop), (
            f"{scene}: it should call stop() and wait; {bridge.said(step)}"
        )
        if answered is not None:
            gaps.append(time.monotonic() - answered)
        run.go_on()
        answered = time.monotonic()
    assert min(gaps) <= GAP, (
        f"{scene}: it should call stop() at least four times a second; between five calls there were "
        f"{min(gaps):.1f} s at least"
    )
    run.next("call stop()")
    step = stopped(run, scene)
    assert isinstance(step, Returned), f"{scene}, and stop() returned True; {bridge.said(step)}"
    check_count(step.value, 0, f"{scene}, and stop() returned True")


@pytest.mark.check("07.stop")
@pytest.mark.parametrize(("refused", "asks"), [(False, 1), (False, 2), (True, 1)])
def test_stop_with_messages_in_hand(bridge, trips, rng, refused, asks, habits):
    """A batch that SQS refuses, and less than one: it is sent and acknowledged, or given back.

    Who asks between two messages has none in hand at the first question, and one at the second.
    """
    if habits.forgets_early or (refused and habits.forgets_refused):
        return  # 07.ack-after-sent or 07.backpressure tells
    size = rng.randint(5, 9)
    # One that is not full may be kept until max_idle, and a full one is sent.
    everything = trips(size if refused else rng.randint(2, size - 1))
    total = len(everything)
    if refused:
        bridge.sqs.fail_batch_entries(lambda _entry, _number: True)
    bridge.put(*everything)
    run = bridge.forward(max_idle=LONG, batch_size=size, stop=STOP)
    but = "; SQS refused them" if refused else ""
    scene = f"{total} events were in the queue, batch_size is {size}, and max_idle is {LONG} s{but}"

    asked = 0

    def is_in_hand():
        nonlocal asked
        asked += bool(bridge.batches if refused else bridge.ready == 0)
        return asked >= asks

    with bridge.gate.recording() as crossed:
        step = stop_at(run, scene, is_in_hand)
    if refused and any(each.up and each.name == "basic.ack" for each in crossed):
        return  # 07.partial-batch or 07.backpressure tells
    assert refused or isinstance(step, Returned), (
        f"{scene}, and stop() returned True: it should return; {bridge.said(step)}"
    )
    held = check_nothing_lost(bridge, everything, f"{scene}, and stop() returned True")
    repeats = held.repeats(everything)
    assert not repeats, (
        f"{scene}, and stop() returned True. What is in hand should be sent and acknowledged, or back "
        f"in the queue: {count_of(repeats, 'event')} {'is' if repeats == 1 else 'are'} in both"
    )
    closed = bridge.rabbitmq.wait_closed(PATIENCE)
    assert closed, (
        f"{scene}, and stop() returned True: a connection was still open after the return"
    )


@pytest.mark.check("07.stop")
def test_what_stop_raises(bridge, trips, habits):
    """Ctrl-C and SystemExit leave forward unchanged, with the connection closed and nothing lost."""
    if habits.forgets_early:
        return  # 07.ack-after-sent tells
    everything = trips(3)
    bridge.put(*everything)
    process = None
    for kind in exceptions.STOPPING:
        run = bridge.forward(process, max_idle=LONG, stop=STOP)
        process = run.process
        scene = f"3 events were in the queue, and stop() raised {kind}"
        process.case.given(scene)
        step = run.next("call stop()")
        if not isinstance(step, Stop):
            return  # another test tells
        run.fails(kind)
        step = run.next("let that exception out")
        left = isinstance(step, Raised) and step.by_handle
        assert left, f"{scene}, which should leave forward unchanged; {bridge.said(step)}"
        closed = bridge.rabbitmq.wait_closed(PATIENCE)
        assert closed, f"{scene}: a connection was still open {PATIENCE:.0f} s later"
    check_nothing_lost(bridge, everything, "3 events were in the queue, and stop() raised Ctrl-C")


@pytest.mark.check("07.stop")
def test_stop_while_messages_come(bridge, trips, rng, habits):
    """They come without a pause, and SQS takes its time: it is asked all the same."""
    if habits.forgets_early:
        return  # 07.ack-after-sent tells
    size = rng.randint(3, 5)
    everything = trips(12 * size)
    # The stream must last for longer than two calls of stop() may be apart.
    pause = threading.Event()
    bridge.sqs.fail_batch_entries(lambda entry, _: pause.wait(SLOW / size))
    bridge.put(*everything)
    run = bridge.forward(max_idle=LONG, batch_size=size, stop=STOP)
    scene = f"{len(everything)} events were in the queue, and batch_size is {size}"
    step = stop_at(run, scene, lambda: len(bridge.batches) > 0)
    assert isinstance(step, Returned), (
        f"{scene}, and stop() returned True: it should return; {bridge.said(step)}"
    )
    held = check_nothing_lost(bridge, everything, f"{scene}, and stop() returned True")
    assert held.queue, (
        f"{scene}, more than it holds at a time: it should call stop() also while messages come, and "
        "leave the rest in the queue; all of them were in SQS when it asked, or returned"
    )
