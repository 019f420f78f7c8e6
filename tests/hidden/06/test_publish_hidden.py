"""Hidden suite of exercise 06: publish_events. The suite looks at the topic itself."""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest
from kafka_names import zones as draw_zones
from kafka_topic import canonical

from grader.suite import SLEEP, Kept, Method, New, Raised, Returned, Sleep, content, leave_to
from grader.suite.content import same, value_of
from grader.suite.steps import in_words, shorten

REFUSED = ("MSG_SIZE_TOO_LARGE", "TOPIC_AUTHORIZATION_FAILED", "INVALID_RECORD")
SHOWN = 60
"""Characters of a zone, or bytes of a key, that a sentence shows."""
PATIENCE = 10.0
"""Seconds; only a wrong submission waits so long."""
LAST = 20
"""Events that come late: who finds no room for one of them has room for the next, at the least."""
SMALLEST = 1000
"""Bytes: the least that `message.max.bytes` may be."""


# Keys -----------------------------------------------------------------------------


@pytest.mark.check("06.keyed")
def test_a_zone_is_in_one_partition_in_order(student, new_topic, trips, unusual_text, rng):
    """By three calls, in two processes; zones of every kind of text, and partitions of any number."""
    topic = new_topic(rng.randint(5, 8))
    zones = draw_zones(rng, 12)
    zones += [f" {zones[0]}", f"{zones[1]} "]  # white space is part of a name
    long = f"{zones[2]} " * rng.randint(30, 60)  # and so is its end
    zones += [f"{long}1", f"{long}2"]
    events = [
        event | {"pickup_zone": zones[number % len(zones)]}
        for number, event in enumerate(trips(60))
    ]
    events += unusual_text
    rng.shuffle(events)
    first, second = student.process(), student.process()
    calls = ((first, events[:30]), (first, tuple(events[30:50])), (second, events[50:]))
    for process, some in calls:
        student.given(f"{len(some)} events were to be published")
        student.publish(topic, some, process).returned()
    # What has not arrived by then is 06.publish-confirmed's business; of what never does no key is right.
    if not topic.messages:
        said = (
            f"{len(events)} events were to be published by 3 calls; none of them came to the topic"
        )
        assert student.publishes, said
        leave_to("06.publish-confirmed", said)
    judge_keyed(topic, events)


@pytest.mark.check("06.keyed")
def test_order_is_kept_where_the_clients_queue_is_full(student, new_topic, trips, rng):
    """The last events come when there is room again: what waits for room goes before them."""
    topic, zones, queue = new_topic(2), draw_zones(rng, 2), rng.randint(3, 6)
    events = [event | {"pickup_zone": rng.choice(zones)} for event in trips(60)]
    scene = (
        f"{len(events)} events of 2 zones were to be published, and the client's queue takes {queue} "
        f"messages (queue.buffering.max.messages); the last {LAST} came when the broker had {queue}"
    )
    once = New("itertools.chain", New("builtins.map", SLEEP, [1]), New("itertools.repeat", 0))
    pairs = New("builtins.zip", events[-LAST:], once)
    last = New("builtins.map", New("operator.itemgetter", 0), pairs)
    coming = New("itertools.chain", events[:-LAST], last)
    student.given(scene)
    settings = student.settings(queue_buffering_max_messages=queue)
    run = student.publish(topic, coming, settings=settings)
    step = student.moves(run, PATIENCE)
    if isinstance(step, Sleep):
        # Who takes all events before it publishes the first has nothing there yet.
        student.comes(lambda: sum(topic.ends.values()) >= queue)
        run.go_on()
        step = student.moves(run, PATIENCE)
    if not isinstance(step, Returned):
        did = in_words(step, "it") if step else f"for {PATIENCE:g} s it did nothing"
        leave_to("06.publish-confirmed", f"{scene}; {did}")
        return
    judge_keyed(topic, events)


@pytest.mark.check("06.keyed")
def test_two_programs_mean_the_same_partition(student, waits, new_topic):
    """The partition of a zone goes by its name, and by nothing that a program knows alone."""
    other = waits.look("elsewhere")
    topic = new_topic(other.topic.count)
    student.given("the same events were to be published by two programs")
    student.publish(topic, other.events).returned()
    here, there = ({each.key: each.partition for each in t.messages} for t in (topic, other.topic))
    if here.keys() != there.keys():
        said = (
            f"two programs published the same events; {content.count_of(len(here), 'zone')} came to "
            f"one topic, and {content.count_of(len(there), 'zone')} to the other"
        )
        leave_to("06.publish-confirmed", said)
    for zone in here.keys() & there.keys():
        assert here[zone] == there[zone] or zone is None, (
            f"two programs published the same events to topics of {topic.count} partitions; those of "
            f"the zone {zone.decode(errors='replace')!r} came into partition {here[zone]} by one and "
            f"{there[zone]} by the other"
        )


def judge_keyed(topic, events) -> None:
    """Each message has the zone as its key, and all of a zone are in one partition, in order.

    What is missing, or is no JSON, is 06.publish-confirmed's business.
    """
    numbers = {canonical(event["event_id"]): number for number, event in enumerate(events)}
    came: set[int] = set()
    last: dict[str, tuple[int, int]] = {}
    for message in topic.messages:
        event = read_event(message.value)
        number = numbers.get(canonical(event.get("event_id")))
        if number is None:
            continue
        came.add(number)
        zone = events[number]["pickup_zone"]
        said = f"{len(events)} events were published to a topic of {topic.count} partitions"
        assert message.key == zone.encode(), (
            f"{said}: the key of an event of the zone {abridged(zone)} should be "
            f"{abridged(zone.encode())}; "
            + ("it has none" if message.key is None else f"it is {abridged(message.key)}")
        )
        partition, before = last.get(zone, (message.partition, -1))
        assert partition == message.partition, (
            f"{said}: all events of the zone {abridged(zone)} should be in one partition; some are in "
            f"partition {partition} and some in {message.partition}"
        )
        assert before < number, (
            f"{said}: event {number + 1} was published before event {before + 1} of the same zone, "
            "and comes after it"
        )
        last[zone] = (partition, number)
    if len(came) < len(events):
        said = f"{len(events)} events were to be published; {len(came)} came to the topic"
        leave_to("06.publish-confirmed", said)


def abridged(text: str | bytes) -> str:
    """The text, or the beginning of a long one and how long it is."""
    if len(text) <= SHOWN:
        return repr(text)
    unit = "bytes" if isinstance(text, bytes) else "characters"
    return f"{text[:20]!r}... of {len(text)} {unit}"


def read_event(value) -> dict:
    """The event of a message, or an empty one."""
    event = value_of(value)
    return event if isinstance(event, dict) else {}


# Confirmations ----------------------------------------------------------------------


@pytest.mark.check("06.publish-confirmed")
def test_the_broker_has_everything_when_it_returns(
    student, consumer, new_topic, odd_events, unusual_text, trips, rng
):
    """Many more events than the client's queue takes; then others, by an iterator; then none."""
    process = student.process()
    queue = rng.randint(20, 40)
    settings = student.settings(queue_buffering_max_messages=queue)
    process.keep("settings", settings)
    known = {"pickup_zone": "Queens", "event_id": 1}
    many = [known | event for event in odd_events]
    # Another zone than that: a key that cannot be made is 06.keyed's.
    many += [{"pickup_zone": "Queens", "note": each["pickup_zone"]} for each in unusual_text]
    for events, given in (
        ([*trips(rng.randint(250, 300)), *many], list),
        (trips(3), iter),
        ([], list),
    ):
        topic = new_topic(rng.randint(2, 4))
        consumer.progress = lambda topic=topic: sum(topic.ends.values())
        scene = (
            f"{len(events)} events were to be published"
            + (", which an iterator gives" if given is iter else "")
            + f", and the client's queue takes {queue} messages (queue.buffering.max.messages)"
        )
        what = New("builtins.iter", events) if given is iter else events
        run = student.publish(topic, what, process, Kept("settings"))
        step = run.next()
        count = sum(topic.ends.values())
        assert isinstance(step, Returned), f"{scene}: it should return; {in_words(step, 'it')}"
        assert count == len(events), f"{scene}; when it had returned, the broker had {count}"
        seen = topic.values
        odd = [each for each in seen if each not in events]
        assert not odd, (
            f"{scene}; each message should hold an event as JSON, one holds {shorten(odd[0])}"
        )
        assert same(seen, events), f"{scene}; the broker has some twice, and others not"
    student.judge_settings(process, settings, "publish_events")


@pytest.mark.check("06.publish-confirmed")
def test_the_same_events_again(student, new_topic, trips):
    """The caller's list, in which one event is twice; nothing of it changes, and it goes once more."""
    process = student.process()
    topic, events = new_topic(2), trips(3)
    process.keep("event", events[0])
    process.keep("events", [Kept("event"), *events[1:], Kept("event")])
    wanted = [*events, events[0]]
    for number in (1, 2):
        scene = (
            f"call {number} with one list of 4 events, the first and the last of which are one dict"
        )
        student.given(scene)
        step = student.publish(topic, Kept("events"), process).next()
        assert isinstance(step, Returned), f"{scene}: it should return; {in_words(step, 'it')}"
        seen = topic.values
        assert same(seen, wanted * number), (
            f"{scene}; the topic should hold each {number} times, and the last one twice as often; it "
            f"holds {content.count_of(seen, 'message')}"
        )
    kept = process.call("worker.calls.keep", Kept("events"))
    scene = "publish_events should leave the caller's events as they are; after it"
    count = len(kept) if isinstance(kept, list) else None
    assert count == len(wanted), f"{scene} the list of {len(wanted)} is {shorten(kept)}"
    changed = [now for now, was in zip(kept, wanted, strict=True) if now != was]
    assert not changed, f"{scene} one is {shorten(changed[0])}"


@pytest.mark.check("06.publish-confirmed")
def test_the_iterator_raises(student, new_topic, trips, rng):
    """What gives the events fails in their middle: that not all are published is no return."""
    topic, events = new_topic(1), trips(rng.randint(4, 6))
    texts = [json.dumps(event) for event in events]
    texts[rng.randrange(2, len(texts))] = "{broken"
    loads = Method(New("importlib.import_module", "json"), "__getattribute__", "loads")
    scene = (
        f"the events came from map(json.loads, lines) with {len(texts)} lines, one of them no JSON"
    )
    student.given(scene)
    step = student.publish(topic, New("builtins.map", loads, texts)).next()
    assert isinstance(step, Raised), (
        f"{scene}: that should leave publish_events, since not all events are published; "
        f"{in_words(step, 'it')}"
    )


@pytest.mark.check("06.publish-confirmed")
def test_a_refused_event_raises(student, new_topic, trips, rng):
    """The broker refuses the first of several requests, or the only one, or the client does; then not."""
    process = student.process()
    for error in (*REFUSED, "message.max.bytes"):
        topic, events = new_topic(1), trips(1 if error == REFUSED[-1] else rng.randint(130, 270))
        more = {"queue_buffering_max_messages": 30}
        refusing = nullcontext()
        if error == "message.max.bytes":
            more["message_max_bytes"] = SMALLEST
            events[rng.randrange(50)]["note"] = "long " * SMALLEST
            scene = f"one of {len(events)} events was larger than message.max.bytes"
        else:
            refusing = student.refusing("Produce", error)
            what = "the only event" if len(events) == 1 else f"some of {len(events)} events"
            scene = f"the broker refused {what}: {error}"
        with refusing:
            step = student.publish(topic, events, process, student.settings(**more)).next()
        count = sum(topic.ends.values())
        assert isinstance(step, Raised), (
            f"{scene}; publish_events should raise, {in_words(step, 'it')}, and the broker has "
            f"{count} of them"
        )
        events = trips(5)
        run = student.publish(topic, events, process)
        run.process.case.given("5 events were published after a call in which one was refused")
        run.returned()


@pytest.mark.check("06.publish-confirmed")
def test_it_waits_until_the_broker_has_them(student, new_topic, trips):
    """The broker cannot store anything for a second: for one call that is too long.

    Another call came before that one in its process, with other time-outs.
    """
    hasty, patient = new_topic(2), new_topic(2)
    process = student.process()
    student.publish(new_topic(1), trips(1), process).returned()
    student.given("a call came before in the same process, with other time-outs")
    with student.refusing("Produce", "NOT_ENOUGH_REPLICAS", 5000):
        waits = student.publish(patient, trips(6))
        short = student.settings(message_timeout_ms=1000)
        gives_up = student.publish(hasty, trips(4), process, short)
        step = gives_up.next()
        assert isinstance(step, Raised), (
            "the broker took no event within message.timeout.ms, 1000; publish_events should "
            f"raise, {in_words(step, 'it')}, and the broker has {sum(hasty.ends.values())} of 4"
        )
        early = student.moves(waits, 0)
    assert not isinstance(early, Returned), (
        "the broker could take no event for a second, and publish_events returned before it could"
    )
    if isinstance(early or waits.next(), Raised):
        return  # it gave up, and says so
    count = sum(patient.ends.values())
    assert count == 6, (
        "the broker could take no event for a second, and then it could; when publish_events "
        f"returned, it had {count} of 6"
    )
