"""Public tests of exercise 03, second half: a real RabbitMQ."""

from __future__ import annotations

import json
from typing import Any

import pika
import pika.exceptions
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from rabbitmq import declare_queue, publish_events, rabbitmq_consumer

TRIPS = [{"event_id": 100001 + n, "pickup_zone": "Queens"} for n in range(5)]


def waiting(channel: BlockingChannel, queue: str) -> list[Any]:
    """The messages that are ready in a queue, as JSON; they are gone from it afterwards."""
    found = []
    while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
        found.append(json.loads(got[2]))
    return found


@pytest.mark.check("03.rabbit-delivers")
def test_messages_wait_for_their_consumer(
    parameters: pika.ConnectionParameters, channel: BlockingChannel, queue: str
) -> None:
    declare_queue(channel, queue)
    publish_events(channel, queue, TRIPS)  # nobody listens yet, and nothing is lost
    handled: list[dict[str, Any]] = []
    count = rabbitmq_consumer(parameters, queue, handled.append, max_events=5)
    assert handled == TRIPS, f"5 events were queued; handled: {len(handled)}"
    assert count == 5, f"5 events were handled, so return 5, not {count!r}"


@pytest.mark.check("03.rabbit-persistent")
def test_messages_are_persistent_json(channel: BlockingChannel, queue: str) -> None:
    declare_queue(channel, queue)
    publish_events(channel, queue, TRIPS[:1])
    _, properties, body = channel.basic_get(queue, auto_ack=True)
    assert properties.delivery_mode == 2, "delivery mode 2 survives a restart of the broker"
    assert json.loads(body) == TRIPS[0], f"the body should be the event as JSON, it is {body!r}"


@pytest.mark.check("03.rabbit-confirms")
def test_a_message_that_reaches_no_queue_is_an_error(channel: BlockingChannel, queue: str) -> None:
    with pytest.raises(pika.exceptions.AMQPError):
        publish_events(channel, f"{queue}-that-nobody-declared", TRIPS[:1])


@pytest.mark.check("03.ack-before-stop")
def test_what_was_handled_is_gone_and_the_rest_is_there(
    parameters: pika.ConnectionParameters, channel: BlockingChannel, queue: str
) -> None:
    declare_queue(channel, queue)
    publish_events(channel, queue, TRIPS)
    handled: list[dict[str, Any]] = []
    rabbitmq_consumer(parameters, queue, handled.append, max_events=3)
    rest = waiting(channel, queue)
    assert handled == TRIPS[:3], f"max_events is 3; handled: {len(handled)}"
    assert rest == TRIPS[3:], f"2 events should be left for the next consumer, found {len(rest)}"


@pytest.mark.check("03.rabbit-retry-once")
def test_a_second_failure_leads_to_the_dead_letter_queue(
    parameters: pika.ConnectionParameters, channel: BlockingChannel, queue: str
) -> None:
    declare_queue(channel, queue)
    publish_events(channel, queue, TRIPS[:3])
    tries: list[int] = []

    def handle(event: dict[str, Any]) -> None:
        if event == TRIPS[1]:
            tries.append(1)
            raise ValueError("this one cannot be handled")

    rabbitmq_consumer(parameters, queue, handle, max_events=2)
    # max_events may be reached before the second try: another run sees to it.
    publish_events(channel, queue, TRIPS[3:4])
    rabbitmq_consumer(parameters, queue, handle, max_events=1)
    assert len(tries) == 2, f"a failing event is tried twice, not {len(tries)} times"
    dead = waiting(channel, f"{queue}.dead")
    assert dead == [TRIPS[1]], f"then it lies in the dead-letter queue; found there: {dead}"


@pytest.mark.check("03.rabbit-bad-message")
def test_a_bad_message_is_a_dead_letter_at_once(
    parameters: pika.ConnectionParameters, channel: BlockingChannel, queue: str
) -> None:
    declare_queue(channel, queue)
    channel.basic_publish("", queue, b"17")
    publish_events(channel, queue, TRIPS[:1])
    handled: list[dict[str, Any]] = []
    rabbitmq_consumer(parameters, queue, handled.append, max_events=1)
    assert handled == TRIPS[:1], "a bad message is not handed to handle, and stops nobody"
    dead = waiting(channel, f"{queue}.dead")
    assert dead == [17], f"the bad message should be a dead letter; found there: {dead}"
