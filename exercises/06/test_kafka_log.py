"""Public tests of exercise 06: a partitioned log, by the mock cluster that the client brings."""

from __future__ import annotations

import json
import threading

import pytest
from confluent_kafka import KafkaException
from kafka_log import kafka_consumer, lag, publish_events, replay

ZONES = ["Bronx", "Queens", "São Paulo Plaza"]
EVENTS = [{"event_id": 100001 + n, "pickup_zone": ZONES[n % 3]} for n in range(6)]
OFFSET_COMMIT, PRODUCE, FETCH = 8, 0, 1  # kinds of requests, by Kafka's protocol
REQUEST_TIMED_OUT, MSG_SIZE_TOO_LARGE, UNKNOWN_MEMBER_ID = 7, 10, 25  # and errors


def numbers(events):
    """Return the events' ids, for a sentence."""
    return [event["event_id"] for event in events]


def raised_by(call):
    """Return what a call raises, or None. The class is yours to choose."""
    try:
        call()
    except NotImplementedError:
        raise  # it is not filled in yet
    except Exception as error:  # noqa: BLE001 - confluent-kafka's, or one of your own
        return error
    return None


def published(message):
    """Return the event that a message holds as JSON."""
    try:
        return json.loads(message.value())
    except (TypeError, ValueError):
        pytest.fail(f"a message should hold an event as JSON; one holds {message.value()!r}")


@pytest.mark.check("06.keyed", leans_on="06.publish-confirmed")
def test_the_zone_is_the_key(settings, server):
    publish_events(settings, server.topic, EVENTS)
    messages = server.messages()
    assert len(messages) == 6, f"6 events should be 6 messages; the topic has {len(messages)}"
    for zone in ZONES:
        mine = [m for m in messages if published(m)["pickup_zone"] == zone]
        assert mine, f"no message holds an event of {zone}"
        keys = {m.key() for m in mine}
        assert keys == {zone.encode()}, (
            f"the messages of {zone} should have the key {zone.encode()}; "
            f"theirs: {', '.join(map(repr, keys))}"
        )
        partitions = {m.partition() for m in mine}
        assert len(partitions) == 1, f"the events of {zone} are in the partitions {partitions}"


@pytest.mark.check("06.publish-confirmed")
def test_the_broker_has_every_event_when_it_returns(settings, server):
    publish_events(settings, server.topic, EVENTS)
    found = len(server.messages())
    assert found == 6, (
        f"when publish_events returned, the broker should have all 6 events; it has {found}"
    )


@pytest.mark.check("06.publish-confirmed")
def test_a_refused_event_raises(settings, server):
    server.refuse(PRODUCE, MSG_SIZE_TOO_LARGE)
    error = raised_by(lambda: publish_events(settings, server.topic, EVENTS[:1]))
    assert error is not None, (
        "the broker refuses the only event (MSG_SIZE_TOO_LARGE), so publish_events should raise; "
        "it returned"
    )
    found = len(server.messages())
    assert found == 0, (
        f"the broker refused the only event; the topic should be empty, and has {found}"
    )


@pytest.mark.check("06.publish-confirmed")
def test_more_events_than_the_queue_takes(settings, server):
    many = [{"event_id": 200_000 + n, "pickup_zone": "Bronx"} for n in range(50)]
    publish_events({**settings, "queue.buffering.max.messages": 5}, server.topic, many)
    found = len(server.messages())
    assert found == 50, (
        "the client's queue took 5 messages at a time. When publish_events returned, the broker "
        f"should have all 50 events; it has {found}"
    )


@pytest.mark.check("06.from-the-start")
def test_a_new_group_begins_at_the_first_event(settings, server):
    server.publish(0, EVENTS[0])
    # Only a group that begins at the end gets this one; then your function need not wait for ever.
    later = threading.Timer(3, server.publish, [0, EVENTS[1]])
    later.start()
    handled = []
    try:
        kafka_consumer(settings, server.topic, server.group, handled.append, max_events=1)
    finally:
        later.cancel()
        later.join()
    assert handled == EVENTS[:1], (
        f"{EVENTS[0]['event_id']} was published before the group began, and nothing is committed: "
        f"it should begin with that event; it handled {numbers(handled)}"
    )


@pytest.mark.check("06.delivers", leans_on="06.from-the-start")
def test_every_partition_is_handled(settings, server):
    for number in server.partitions:
        server.publish(number, *EVENTS[number * 2 : number * 2 + 2])
    handled = []
    count = kafka_consumer(settings, server.topic, server.group, handled.append, max_events=6)
    assert sorted(numbers(handled)) == numbers(EVENTS), (
        f"6 events lie in 3 partitions; it handled {numbers(handled)}"
    )
    for first, second in (EVENTS[0:2], EVENTS[2:4], EVENTS[4:6]):
        assert handled.index(first) < handled.index(second), (
            f"{first['event_id']} lies before {second['event_id']} in one partition; "
            f"it handled {numbers(handled)}"
        )
    assert count == 6, f"6 events were handled, so return 6, not {count!r}"


@pytest.mark.check("06.commit-after-handle", leans_on="06.commit-is-next")
def test_an_event_is_not_committed_while_it_is_handled(settings, server):
    server.publish(0, *EVENTS[:3])
    seen = []

    def handle(_):
        seen.append(server.committed().get(0, 0))

    kafka_consumer(settings, server.topic, server.group, handle, max_events=3)
    assert seen == [0, 1, 2], (
        "while handle works on the first, second and third event, the committed offset should be "
        "0, 1 and 2: killed now, that event has to come again, and those before it do not. "
        f"It was {seen}"
    )


@pytest.mark.check("06.commit-is-next")
def test_the_next_start_goes_on(settings, server):
    server.publish(0, *EVENTS)
    handled = []
    kafka_consumer(settings, server.topic, server.group, handled.append, max_events=2)
    found = server.committed()
    assert found == {0: 2}, (
        "the events with the offsets 0 and 1 were handled, so the committed offset of partition 0 "
        f"should be 2, where the group goes on. Committed is {found or 'nothing'}"
    )
    kafka_consumer(settings, server.topic, server.group, handled.append, max_events=4)
    assert handled == EVENTS, f"2 events and then 4; they were {numbers(handled)}"


@pytest.mark.check("06.stops", leans_on="06.commit-is-next")
def test_what_was_fetched_ahead_is_not_committed(settings, server):
    server.publish(0, *EVENTS)
    handled = []
    count = kafka_consumer(settings, server.topic, server.group, handled.append, max_events=4)
    assert handled == EVENTS[:4], f"with max_events=4 it handled {numbers(handled)}"
    assert count == 4, f"4 events were handled, so return 4, not {count!r}"
    found = server.committed()
    assert found == {0: 4}, (
        "the events with the offsets 0 to 3 were handled, so the committed offset of partition 0 "
        f"should be 4. Committed is {found or 'nothing'}"
    )


@pytest.mark.check("06.handler-error", leans_on="06.commit-is-next")
def test_what_handle_raises_leaves_and_the_event_comes_again(settings, server):
    server.publish(0, *EVENTS)
    tries = []

    def handle(event):
        tries.append(event)
        if len(tries) == 3:
            raise ValueError("no such zone")
        if len(tries) > 3:
            pytest.fail(
                "handle raised ValueError at the third event, which should leave kafka_consumer; "
                f"it called handle again, with event {event['event_id']}"
            )

    raised = None
    try:
        kafka_consumer(settings, server.topic, server.group, handle, max_events=6)
    except ValueError as error:
        raised = error
    assert str(raised) == "no such zone", (
        "handle raised ValueError('no such zone'), which should leave kafka_consumer unchanged; "
        f"{repr(raised) if raised else 'nothing'} did"
    )
    committed = server.committed()
    too_far = (
        ": the event that failed is committed, by your code, or by the client in close(), which "
        "commits what poll() gave unless that is turned off"
        if committed.get(0, 0) > 2
        else ""
    )
    assert committed == {0: 2}, (
        "handle raised at the third event of partition 0, so its committed offset should be 2. "
        f"Committed is {committed or 'nothing'}{too_far}"
    )


@pytest.mark.check("06.bad-message", leans_on="06.commit-after-handle")
@pytest.mark.parametrize("bad", [b"{oops", b"42", b"", None], ids=repr)
def test_a_bad_message_is_passed(settings, server, bad):
    server.publish(0, bad, EVENTS[0])
    seen = []

    def handle(event):
        seen.append((event, server.committed().get(0, 0)))

    kafka_consumer(settings, server.topic, server.group, handle, max_events=1)
    handled = [event for event, _ in seen]
    assert handled == EVENTS[:1], (
        f"the bad message {bad!r} should be skipped, and the event after it handled; "
        f"handle got {handled}"
    )
    committed = seen[0][1]
    assert committed == 1, (
        f"the bad message {bad!r} has the offset 0. Before the next event is handled, 1 should be "
        f"committed, the offset after it; committed was {committed or 'nothing'}"
    )


@pytest.mark.check("06.quiet")
def test_an_error_that_passes_is_not_the_end(settings, server):
    server.publish(0, EVENTS[0])
    handled = []

    def handle(event):
        handled.append(event)
        if len(handled) == 1:
            server.refuse(FETCH, REQUEST_TIMED_OUT)
            threading.Timer(1.5, server.publish, [0, EVENTS[1]]).start()

    happened = (
        "after the first event the broker answered a fetch with an error, once, and the second "
        "event came 1.5 s later"
    )
    try:
        count = kafka_consumer(settings, server.topic, server.group, handle, max_events=2)
    except KafkaException as error:
        pytest.fail(f"{happened}; kafka_consumer raised {error!r}")
    assert handled == EVENTS[:2], (
        f"{happened}; it handled {numbers(handled)}, and returned {count!r}"
    )


@pytest.mark.check("06.groups")
def test_two_members_share_the_partitions(settings, server, start):
    seen = {"ana": [], "ben": []}
    enough = threading.Event()

    def member(name):
        def handle(event):
            if enough.is_set():
                raise SystemExit  # ends this member
            seen[name].append(event)
            if sum(map(len, seen.values())) == len(EVENTS):
                enough.set()

        ready = threading.Event()
        running = start(
            lambda: kafka_consumer(
                settings, server.topic, server.group, handle, max_events=100, ready=ready.set
            )
        )
        running.waits_for(
            ready, lambda: f"{name} joins the group, and ready() should be called; it was not"
        )
        return running

    def they():
        return ", and ".join(f"{name} handled {numbers(seen[name])}" for name in seen)

    members = [member("ana"), member("ben")]
    for number in server.partitions:
        server.publish(number, *EVENTS[number * 2 : number * 2 + 2])
    members[0].waits_for(
        enough,
        lambda: f"2 members of a group should handle 6 events; {they()}",
        beside=members[1:],
    )
    for number in server.partitions:
        server.publish(number, {"event_id": 0})  # for each member one at which it ends
    assert sorted(numbers(seen["ana"] + seen["ben"])) == numbers(EVENTS), (
        f"2 members of a group should handle each event once; {they()}"
    )
    counts = ", ".join(f"{member} {len(events)}" for member, events in seen.items())
    idle = [name for name, events in seen.items() if not events]
    assert not idle, (
        f"both members should have a part of 3 partitions, and handle its events; of 6: {counts}"
    )


@pytest.mark.check("06.groups")
def test_another_group_gets_all_again(settings, server):
    server.publish(0, *EVENTS)
    for group in (server.group, f"{server.group}-audit"):
        handled = []
        kafka_consumer(settings, server.topic, group, handled.append, max_events=6)
        assert handled == EVENTS, f"each group gets all 6 events; {group} got {numbers(handled)}"


@pytest.mark.check("06.fenced", leans_on="06.commit-after-handle")
def test_a_refused_commit_raises(settings, server):
    server.publish(0, EVENTS[0])

    def handle(_):
        server.refuse(OFFSET_COMMIT, UNKNOWN_MEMBER_ID)

    error = raised_by(
        lambda: kafka_consumer(settings, server.topic, server.group, handle, max_events=1)
    )
    assert error is not None, (
        "while handle worked on the event, the group went on without this member, so that the "
        "broker refuses its commit (UNKNOWN_MEMBER_ID): kafka_consumer should raise; it returned"
    )


@pytest.mark.check("06.replay")
def test_everything_is_replayed(settings, server):
    server.publish(0, *EVENTS[:3], b"{oops")
    server.publish(2, *EVENTS[3:])
    server.commit({0: 2})
    for _ in range(2):
        handled = []
        count = replay(settings, server.topic, handled.append)
        assert sorted(numbers(handled)) == numbers(EVENTS), (
            f"6 events lie in 2 of 3 partitions; it replayed {numbers(handled)}"
        )
        assert count == 6, f"6 events were handled, so return 6, not {count!r}"
    assert server.committed() == {0: 2}, f"it moved committed offsets: {server.committed()}"


@pytest.mark.check("06.lag")
def test_lag_for_each_partition(settings, server):
    server.publish(0, *EVENTS[:4])
    server.publish(1, *EVENTS[4:])
    server.commit({0: 3})
    found = lag(settings, server.topic, server.group)
    assert found == {0: 1, 1: 2, 2: 0}, (
        "partition 0 has 4 messages, of which 3 are committed, partition 1 has 2, of which none "
        f"is, and partition 2 is empty: {{0: 1, 1: 2, 2: 0}}, not {found!r}"
    )
