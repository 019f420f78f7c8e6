"""Public tests of exercise 03, first half: Redis Pub/Sub, by a stand-in inside this process.

`ready` is where these tests publish: from then on a subscriber must not miss an event.
"""

from __future__ import annotations

import json

import fakeredis
import pytest
from redis_pubsub import publish_events, redis_consumer

CHANNEL = "taxi_events"
EVENTS = [
    {"event_id": 100001, "pickup_zone": "Queens"},
    {"event_id": 100002, "pickup_zone": "São Paulo Plaza"},
    {"event_id": 100003, "pickup_zone": "Bronx"},
]


def publish(client, *payloads):
    """Publish each payload; return how many subscribers received the last one."""
    for payload in payloads:
        count = client.publish(
            CHANNEL, payload if isinstance(payload, bytes) else json.dumps(payload)
        )
    return count


@pytest.mark.check("03.redis-delivers")
@pytest.mark.parametrize("decode_responses", [False, True])
def test_events_are_handled_in_order(decode_responses):
    client = fakeredis.FakeRedis(server=fakeredis.FakeServer(), decode_responses=decode_responses)
    handled = []
    count = redis_consumer(
        client, CHANNEL, handled.append, max_events=3, ready=lambda: publish(client, *EVENTS)
    )
    assert handled == EVENTS, (
        f"three events were published (decode_responses={decode_responses}); it handled {handled}"
    )
    assert count == 3, f"three events were handled, so return 3, not {count!r}"


@pytest.mark.check("03.redis-ready")
def test_ready_is_called_once_somebody_is_subscribed(client):
    receivers = []

    def ready():
        receivers.append(publish(client, EVENTS[0]))

    redis_consumer(client, CHANNEL, [].append, max_events=1, ready=ready)
    assert receivers == [1], (
        "ready() should be called once, with the subscription in force: an event published in it "
        f"should reach 1 subscriber. It reached {receivers} (one number for each call)"
    )


@pytest.mark.check("03.redis-lost")
def test_what_was_published_before_is_gone(client):
    publish(client, EVENTS[0], EVENTS[1])
    handled = []
    redis_consumer(
        client, CHANNEL, handled.append, max_events=1, ready=lambda: publish(client, EVENTS[2])
    )
    assert handled == [EVENTS[2]], (
        f"only the third event was published after the subscription; it handled {handled}"
    )


@pytest.mark.check("03.redis-reports-lost")
def test_events_that_nobody_received_are_returned(client):
    lost = publish_events(client, CHANNEL, EVENTS)
    assert lost == EVENTS, f"nobody subscribes, so all three are lost; it returned {lost}"

    with client.pubsub() as pubsub:
        pubsub.subscribe(CHANNEL)
        pubsub.get_message(timeout=1)  # the confirmation
        lost = publish_events(client, CHANNEL, EVENTS)
        assert lost == [], f"a subscriber received all three; it returned {lost}"
        message = pubsub.get_message(timeout=1)
    received = message["data"]
    try:
        event = json.loads(received)
    except ValueError:
        event = None
    assert event == EVENTS[0], (
        f"an event should be published as JSON; a subscriber received {received!r}"
    )


@pytest.mark.check("03.redis-bad-message")
def test_a_bad_message_is_skipped(client):
    handled = []

    def ready():
        publish(client, b"{not json", b"42", EVENTS[0])

    redis_consumer(client, CHANNEL, handled.append, max_events=1, ready=ready)
    assert handled == [EVENTS[0]], (
        f"two messages that are no JSON objects and an event were published; it handled {handled}"
    )


@pytest.mark.check("03.redis-unsubscribes")
def test_an_exception_leaves_nobody_subscribed(client):
    calls = []

    def handle(event):
        calls.append(event)
        if len(calls) > 1:
            pytest.fail(
                "handle raised ConnectionError at the first event, which should leave "
                "redis_consumer; it called handle again, with the second"
            )
        raise ConnectionError("the dashboard is down")

    raised = None
    try:
        redis_consumer(
            client, CHANNEL, handle, max_events=3, ready=lambda: publish(client, *EVENTS[:2])
        )
    except ConnectionError as error:
        raised = error
    assert str(raised) == "the dashboard is down", (
        "handle raised ConnectionError('the dashboard is down'), "
        f"which should leave redis_consumer unchanged; {repr(raised) if raised else 'nothing'} did"
    )
    ((_, subscribers),) = client.pubsub_numsub(CHANNEL)
    assert subscribers == 0, f"the consumer has ended, but {subscribers} subscription is left"
