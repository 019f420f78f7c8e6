"""Hidden suite of exercise 07: forward into a FIFO queue."""

from __future__ import annotations

import pytest
from bridge_patience import with_patience
from bridge_words import batch, is_are

from grader.suite import content, leave_to
from grader.suite.content import value_of

# 07.once ----------------------------------------------------------------------------


@pytest.mark.check("07.once")
@with_patience
def test_once_and_in_order(new_bridge, trips, rng, answers, habits):
    """Killed when SQS had the second batch, and one event twice in the queue."""
    if habits.forgets_early:
        leave_to("07.ack-after-sent", habits.forgets_early)
        return
    bridge = new_bridge(fifo=True)
    size, told = batch(rng, 3, 5)
    everything = trips(3 * size - 1)
    # An id may be text, which is no number even where it looks like one.
    number = rng.randint(2, 99)
    for event, identity in zip(
        rng.sample(everything, 3), (0, f"00{number}", f"trip-{number}"), strict=True
    ):
        event["event_id"] = identity
    zones = (*rng.sample(content.ZONES, 3), "Upper  East Side", "St. George", "Kips Bay/Gramercy")
    for number, zone in enumerate(zones):
        everything[number % len(everything)]["pickup_zone"] = zone
    twice = everything[rng.randrange(size)]
    bridge.put(*everything, twice)
    scene = (
        f"{len(everything)} events were in the queue, one of them twice, and the SQS queue is FIFO"
    )
    with bridge.gate.stopped_before(*answers, number=2) as halt:
        run = bridge.forward(**told)
        run.process.case.given(scene)
        if bridge.runs_to(run, halt):
            bridge.kill(run, halt)
            scene += "; the process was killed when SQS had taken the second batch"
    bridge.wait_given_back()
    bridge.forwards(f"{scene}, and the next call began", **told)
    messages = bridge.take_sqs()
    events = [value_of(message["Body"]) for message in messages]
    strange = [event for event in events if event not in everything]
    assert not strange, (
        f"{scene}. SQS should hold these events and nothing else; it holds {strange[0]!r:.80}"
    )
    absent = [event for event in everything if event not in events]
    buried = bridge.bodies(bridge.dead) if absent and bridge.exists(bridge.dead) else []
    assert not absent, (
        f"{scene}. After the next call SQS should hold each event: {bridge.these(absent, everything)} "
        f"{is_are(absent)} not there"
        + (f"; in the dead-letter queue there is {buried[0]!r:.80}" if buried else "")
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
    for zone in zones:
        wanted = [event for event in everything if event["pickup_zone"] == zone]
        found = [event for event in events if event["pickup_zone"] == zone]
        assert found == wanted, (
            f"{scene}. The events of {zone} should come in the order of the queue, "
            f"{bridge.these(wanted, everything)}; they came as {bridge.these(found, everything)}"
        )


@pytest.mark.check("07.once")
@with_patience
def test_events_without_what_fifo_needs(new_bridge, trips, rng):
    """One has no deduplication id, another no group: they are dead letters, and the others go on."""
    bridge = new_bridge(fifo=True)
    if bridge.leaves_rejected():
        return
    everything = trips(5)
    without = {
        "event_id": everything[rng.randrange(2)],
        "pickup_zone": everything[rng.choice((2, 3))],
    }
    for field, event in without.items():
        del event[field]
    bridge.put(*everything)
    scene = "the SQS queue is FIFO, and of 5 events one has no event_id and another no pickup_zone"
    bridge.forwards(scene, batch_size=3)
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
