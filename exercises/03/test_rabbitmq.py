"""Public tests of exercise 03, second half: a real RabbitMQ. See conftest.py for where it is."""

from __future__ import annotations

import json

import pytest
from pika.exceptions import ChannelClosedByBroker
from rabbitmq import declare_queue, publish_events, rabbitmq_consumer

EVENTS = [{"event_id": 100001 + n, "pickup_zone": "Queens"} for n in range(5)]


def put(channel, queue, *bodies):
    """Put messages into a queue; the broker has them when this returns."""
    with channel.connection.channel() as own:
        own.confirm_delivery()
        for body in bodies:
            own.basic_publish("", queue, body if isinstance(body, bytes) else json.dumps(body))


def ids(events):
    """Return the events' ids, for a sentence."""
    return ", ".join(str(event["event_id"]) for event in events) or "none"


def drain(channel, queue):
    """Take out everything that lies ready in a queue: the bodies, and the properties."""
    messages = []
    while True:
        found, properties, body = channel.basic_get(queue, auto_ack=True)
        if found is None:
            return messages
        messages.append((body, properties))


def decoded(body):
    """Return the JSON of a message, or the body as it is where it holds none."""
    try:
        return json.loads(body)
    except ValueError:
        return body


def events_in(channel, queue):
    """Take out the events."""
    return [decoded(body) for body, _ in drain(channel, queue)]


def exists(channel, queue):
    """Tell whether the broker has a queue of that name."""
    own = channel.connection.channel()  # a broker without that queue closes the channel
    try:
        own.queue_declare(queue, passive=True)
    except ChannelClosedByBroker:
        return False
    own.close()
    return True


def queues(channel, queue):
    """Say in words what lies in the queue and in its dead-letter queue, and take it out."""
    declared = exists(channel, f"{queue}.dead")
    assert declared, f"declare_queue should declare {queue}.dead too; there is no such queue"
    dead = [body for body, _ in drain(channel, f"{queue}.dead")]
    left = [body for body, _ in drain(channel, queue)]
    if not dead and not left:
        return dead, "it is in neither queue now, so it was acknowledged, or the broker dropped it"
    return dead, f"that one holds {dead}, and the queue itself {left}"


@pytest.mark.check("03.rabbit-persistent")
def test_messages_are_persistent_json(channel, queue):
    declare_queue(channel, queue)
    publish_events(channel, queue, EVENTS)
    messages = drain(channel, queue)
    bodies = [body for body, _ in messages]
    assert [decoded(body) for body in bodies] == EVENTS, (
        f"expected the five events as JSON, in order; the queue held {bodies}"
    )
    modes = {properties.delivery_mode for _, properties in messages}
    assert modes == {2}, (
        "a persistent message has delivery mode 2; "
        f"the delivery modes of these: {', '.join(map(str, modes))}"
    )


@pytest.mark.check("03.rabbit-confirms")
def test_publishing_to_nowhere_is_an_error(channel, queue):
    error = None
    try:
        publish_events(channel, queue, EVENTS)  # nobody has declared the queue
    except NotImplementedError:
        raise  # it is not filled in yet
    except Exception as raised:  # noqa: BLE001 - pika's UnroutableError, or one of your own
        error = raised
    assert error is not None, f"there is no queue {queue!r}: publishing to it should raise"


@pytest.mark.check("03.rabbit-delivers")
def test_messages_wait_for_their_consumer(parameters, channel, queue):
    declare_queue(channel, queue)
    put(channel, queue, *EVENTS)
    handled = []
    count = rabbitmq_consumer(parameters, queue, handled.append, max_events=5)
    assert handled == EVENTS, f"five events were waiting; it handled {handled}"
    assert count == 5, f"five events were handled, so return 5, not {count!r}"


@pytest.mark.check("03.ack-before-stop")
def test_what_was_handled_is_gone_and_the_rest_is_there(parameters, channel, queue):
    declare_queue(channel, queue)
    put(channel, queue, *EVENTS)
    handled = []
    rabbitmq_consumer(parameters, queue, handled.append, max_events=2)
    assert handled == EVENTS[:2], f"max_events is 2; it handled {handled}"
    left = events_in(channel, queue)
    missing = [event for event in EVENTS[2:] if event not in left]
    again = [event for event in EVENTS[:2] if event in left]
    assert not again, (
        f"{ids(EVENTS[:2])} were handled, and should be acknowledged when rabbitmq_consumer "
        f"returns; in the queue again: {ids(again)}"
    )
    assert not missing, (
        f"2 of 5 events were handled, so {ids(EVENTS[2:])} should be ready in the queue when "
        f"rabbitmq_consumer returns; missing: {ids(missing)}. Either they were acknowledged "
        "(auto_ack does that as they are sent), or a connection that is still open holds them"
    )
    assert left == EVENTS[2:], f"{ids(EVENTS[2:])} should be left, in order; left: {ids(left)}"


@pytest.mark.check("03.rabbit-prefetch")
def test_a_consumer_holds_no_more_than_its_prefetch(parameters, channel, queue):
    declare_queue(channel, queue)
    put(channel, queue, *EVENTS)
    ready = []

    def handle(event):
        # Ready messages only: those that were sent to a consumer are not counted.
        ready.append(channel.queue_declare(queue, passive=True).method.message_count)

    rabbitmq_consumer(parameters, queue, handle, max_events=1, prefetch_count=2)
    assert ready, "5 messages were in the queue, and it handled none"
    assert ready[0] >= 3, (
        "with prefetch_count=2, at least 3 of 5 messages should be ready in the queue while handle "
        f"works on the first one; {ready[0]} were. What is acknowledged before handle returns "
        "makes room for one more"
    )


@pytest.mark.check("03.rabbit-retry-once")
def test_a_message_that_fails_twice_is_a_dead_letter(parameters, channel, queue):
    declare_queue(channel, queue)
    put(channel, queue, *EVENTS[:2])
    tries = []

    def handle(event):
        tries.append(event)
        if tries.count(EVENTS[0]) > 2:
            pytest.fail("a message that fails is tried twice; this one was given to handle again")
        if event == EVENTS[0]:
            if tries.count(event) == 2:  # let the consumer find its second success
                put(channel, queue, EVENTS[2])
            raise RuntimeError("no such zone")

    rabbitmq_consumer(parameters, queue, handle, max_events=2)
    assert tries.count(EVENTS[0]) == 2, (
        f"a message that fails is tried twice, this was tried {tries.count(EVENTS[0])} times"
    )
    dead, seen = queues(channel, queue)
    assert list(map(decoded, dead)) == [EVENTS[0]], (
        f"a message that failed twice should be in the dead-letter queue, {queue}.dead; {seen}"
    )


@pytest.mark.check("03.rabbit-bad-message")
def test_a_bad_message_is_a_dead_letter(parameters, channel, queue):
    declare_queue(channel, queue)
    put(channel, queue, b"{not json", EVENTS[0])
    handled = []
    rabbitmq_consumer(parameters, queue, handled.append, max_events=1)
    assert handled == [EVENTS[0]], f"the event after the bad message should be handled: {handled}"
    dead, seen = queues(channel, queue)
    assert dead == [b"{not json"], (
        f"a bad message should be in the dead-letter queue, {queue}.dead; {seen}"
    )
