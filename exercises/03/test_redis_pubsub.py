"""Public tests of exercise 03, first half: Redis Pub/Sub, with a Redis in this process."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from redis_pubsub import publish_events, redis_consumer

FIRST = {"event_id": 100001, "pickup_zone": "Queens"}
SECOND = {"event_id": 100002, "pickup_zone": "Bronx"}


@pytest.mark.check("03.redis-delivers")
def test_what_is_published_after_ready_is_handled(client: redis.Redis) -> None:
    handled: list[dict[str, Any]] = []
    lost: list[list[dict[str, Any]]] = []

    def ready() -> None:
        lost.append(publish_events(client, "trips", [FIRST, SECOND]))

    count = redis_consumer(client, "trips", handled.append, max_events=2, ready=ready)
    assert handled == [FIRST, SECOND], f"both events should be handled, in order; got {handled}"
    assert count == 2, f"2 events were handled, so return 2, not {count!r}"
    assert lost == [[]], "a subscriber was there, so publish_events should report nothing as lost"


@pytest.mark.check("03.redis-reports-lost")
def test_without_a_subscriber_everything_is_lost(client: redis.Redis) -> None:
    lost = publish_events(client, "trips", [FIRST, SECOND])
    assert lost == [FIRST, SECOND], f"nobody subscribes, so both are lost; reported: {lost}"


@pytest.mark.check("03.redis-bad-message")
def test_what_is_no_event_is_skipped(client: redis.Redis) -> None:
    handled: list[dict[str, Any]] = []

    def ready() -> None:
        client.publish("trips", "{oops")
        client.publish("trips", "17")
        publish_events(client, "trips", [FIRST])

    redis_consumer(client, "trips", handled.append, max_events=1, ready=ready)
    assert handled == [FIRST], f"the two messages before the event are no events; got {handled}"


@pytest.mark.check("03.redis-unsubscribes")
def test_nobody_is_subscribed_after_an_exception(client: redis.Redis) -> None:
    def fail(event: dict[str, Any]) -> None:
        raise ConnectionError("the database is down")

    with pytest.raises(ConnectionError, match="the database is down"):
        redis_consumer(
            client,
            "trips",
            fail,
            max_events=1,
            ready=lambda: publish_events(client, "trips", [FIRST]),
        )
    assert dict(client.pubsub_numsub("trips")) == {b"trips": 0}, "a subscription was left behind"
