"""Public tests of exercise 04. moto stands in for AWS, in this process."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqs import create_queue, once, send_events, sqs_consumer

TRIPS = [{"event_id": 100001 + n, "pickup_zone": "Queens"} for n in range(12)]


def count(sqs: Any, url: str) -> tuple[int, int]:
    """How many messages of a queue are visible, and how many are hidden."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return int(found[names[0]]), int(found[names[1]])


@pytest.mark.check("04.create-queue")
def test_the_queue_has_the_attributes_asked_for(sqs: Any) -> None:
    url = create_queue(sqs, "trips", visibility_timeout=45, retention=3600)
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["VisibilityTimeout"] == "45", "visibility_timeout should be set on the queue"
    assert found["MessageRetentionPeriod"] == "3600", "retention should be set on the queue"
    again = create_queue(sqs, "trips", visibility_timeout=45, retention=3600)
    assert again == url, "creating it again should return the same queue"


@pytest.mark.check("04.dead-letter-queue")
def test_the_queue_knows_its_dead_letter_queue(sqs: Any) -> None:
    url = create_queue(sqs, "trips", max_receive_count=2)
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    policy = json.loads(found.get("RedrivePolicy", "{}"))
    assert policy.get("deadLetterTargetArn", "").endswith(":trips-dead"), f"RedrivePolicy: {policy}"
    assert int(policy.get("maxReceiveCount", 0)) == 2, f"maxReceiveCount should be 2: {policy}"


@pytest.mark.check("04.send-batches")
def test_all_events_are_sent_with_their_attribute(sqs: Any) -> None:
    url = create_queue(sqs, "trips")
    send_events(sqs, url, TRIPS)
    assert count(sqs, url) == (12, 0), "12 events should be 12 messages, though a batch holds ten"
    message, *_ = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    try:
        body = json.loads(message["Body"])
    except ValueError:
        body = None
    assert body in TRIPS, f"the body should be the event as JSON; one is {message['Body']!r}"
    kind = message.get("MessageAttributes", {}).get("EventType", {}).get("StringValue")
    assert kind == "trip_start", f"the attribute EventType should be trip_start, it is {kind}"


@pytest.mark.check("04.consumes")
def test_handled_events_are_deleted(sqs: Any) -> None:
    url = create_queue(sqs, "trips")
    send_events(sqs, url, TRIPS)
    handled: list[dict[str, Any]] = []
    number = sqs_consumer(sqs, url, handled.append, max_events=12, wait_seconds=1)
    assert len(handled) == 12, f"12 events were sent, {len(handled)} were handled"
    assert number == 12, f"12 events were handled, so return 12, not {number!r}"
    assert count(sqs, url) == (0, 0), "every handled message should be deleted"


@pytest.mark.check("04.long-polling")
def test_every_receive_waits_on_the_servers_side(sqs: Any, receives: list[dict[str, Any]]) -> None:
    url = create_queue(sqs, "trips")
    send_events(sqs, url, TRIPS[:6])
    sqs_consumer(sqs, url, lambda _: None, max_events=6, wait_seconds=7)
    waits = {asked.get("WaitTimeSeconds", "none") for asked in receives}
    assert waits == {7}, f"with wait_seconds=7 each receive should ask for 7; yours asked: {waits}"


@pytest.mark.check("04.empty-receives")
def test_an_empty_queue_ends_it(sqs: Any, receives: list[dict[str, Any]]) -> None:
    url = create_queue(sqs, "trips")
    send_events(sqs, url, TRIPS[:1])
    number = sqs_consumer(
        sqs, url, lambda _: None, max_events=12, wait_seconds=1, max_empty_receives=2
    )
    assert number == 1, f"1 event was there and was handled, so return 1, not {number!r}"
    asked = len(receives)
    assert asked == 3, f"one answer with an event and two empty ones make 3 receives, not {asked}"


@pytest.mark.check("04.bad-message")
def test_a_bad_message_does_not_stop_it(sqs: Any) -> None:
    url = create_queue(sqs, "trips")
    sqs.send_message(QueueUrl=url, MessageBody="{oops")
    send_events(sqs, url, TRIPS[:2])
    handled: list[dict[str, Any]] = []
    sqs_consumer(sqs, url, handled.append, max_events=2, wait_seconds=1)
    assert handled == TRIPS[:2], f"the 2 events after it should be handled, not {handled}"
    assert count(sqs, url) == (0, 1), (
        "the bad message should be left, hidden, for the queue to count"
    )


@pytest.mark.check("04.leaves-the-rest")
def test_what_is_beyond_max_events_stays_visible(sqs: Any) -> None:
    url = create_queue(sqs, "trips")
    send_events(sqs, url, TRIPS)
    sqs_consumer(sqs, url, lambda _: None, max_events=7, wait_seconds=1)
    left = count(sqs, url)
    assert left == (5, 0), f"5 messages should be left, all visible; visible and hidden: {left}"


@pytest.mark.check("04.failed-handle-not-deleted")
def test_a_failed_event_is_not_deleted(sqs: Any) -> None:
    url = create_queue(sqs, "trips")
    send_events(sqs, url, TRIPS[:3])
    handled: list[dict[str, Any]] = []

    def handle(event: dict[str, Any]) -> None:
        if event == TRIPS[1]:
            raise ConnectionError("the database is down")
        handled.append(event)

    sqs_consumer(sqs, url, handle, max_events=3, wait_seconds=1, max_empty_receives=1)
    assert handled == [TRIPS[0], TRIPS[2]], (
        f"handle failed for the second of three events; the others should be handled: {handled}"
    )
    left = count(sqs, url)
    assert left == (0, 1), (
        f"the failed message should be hidden, and not deleted; visible and hidden: {left}"
    )


@pytest.mark.check("04.idempotent")
def test_once_handles_a_duplicate_once() -> None:
    handled: list[dict[str, Any]] = []
    seen: set[int] = set()
    handler = once(handled.append, seen)
    assert callable(handler), f"once() should return a handler, a function; it returned {handler!r}"
    for event in (TRIPS[0], TRIPS[1], TRIPS[0]):
        handler(event)
    assert handled == TRIPS[:2], "the first event came twice and should be handled once"
    assert seen == {100001, 100002}, f"both ids should be in seen: {seen}"


@pytest.mark.check("04.idempotent")
def test_once_does_not_remember_a_failure() -> None:
    def fail(event: dict[str, Any]) -> None:
        raise ConnectionError("the database is down")

    seen: set[int] = set()
    handler = once(fail, seen)
    assert callable(handler), f"once() should return a handler, a function; it returned {handler!r}"
    raised = None
    try:
        handler(TRIPS[0])
    except ConnectionError as error:
        raised = error
    assert str(raised) == "the database is down", (
        "handle raised ConnectionError('the database is down'), "
        f"which should leave once(handle) unchanged; {repr(raised) if raised else 'nothing'} did"
    )
    assert seen == set(), (
        f"an event that failed was not handled, so its id should not be in seen: {seen}"
    )


@pytest.mark.check("04.fifo-after-failure")
def test_a_group_waits_for_the_one_that_failed(sqs: Any) -> None:
    url = create_queue(sqs, "trips.fifo")
    zones = ("Queens", "Bronx", "Queens")
    events = [{"event_id": n, "pickup_zone": zone} for n, zone in enumerate(zones, 1)]
    send_events(sqs, url, events)
    tried: list[int] = []

    def handle(event: dict[str, Any]) -> None:
        tried.append(event["event_id"])
        if event["event_id"] == 1:
            raise ConnectionError("the database is down")

    sqs_consumer(sqs, url, handle, max_events=3, wait_seconds=1, max_empty_receives=1)
    assert tried == [1, 2], (
        "events 1 and 3 are of one group, 2 is of another; handle failed for 1, so 3 should wait: "
        f"handle was called for {tried}"
    )
    left = count(sqs, url)
    assert left == (0, 2), (
        f"events 1 and 3 should be hidden, and not deleted; visible and hidden: {left}"
    )
