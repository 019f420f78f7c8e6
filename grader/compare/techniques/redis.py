"""Redis Pub/Sub."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from grader.compare.place import Place
from grader.compare.processes.counts import Count
from grader.compare.techniques.technique import Call, Handle, Opinions, Ready, Technique

if TYPE_CHECKING:
    from event_sinks.base import Sink


class RedisPubSub(Technique):
    """The first half of exercise 03."""

    id: ClassVar[str] = "redis"
    title: ClassVar[str] = "Redis Pub/Sub"
    short: ClassVar[str] = "Pub/Sub"
    exercise: ClassVar[str] = "03"
    file: ClassVar[str] = "redis_pubsub.py"
    function: ClassVar[str] = "redis_consumer"
    service: ClassVar[str | None] = "redis"
    keeps: ClassVar[bool] = False
    burst: ClassVar[int] = 2_000
    machines: ClassVar[str] = "the broker"
    run: ClassVar[str] = "broker"
    opinions: ClassVar[Opinions] = Opinions(
        latency="very low",
        keeps="no",
        reliability="fire and forget",
        consumers="built in: all get all",
    )

    @staticmethod
    def bare(client: Any, channel: str, handle: Handle, *, max_events: int, ready: Ready) -> None:
        """Loop over `pubsub.listen()`."""
        pubsub = client.pubsub()
        pubsub.subscribe(channel)
        handled = 0
        for message in pubsub.listen():
            if message["type"] == "subscribe":
                ready()
                continue
            handle(json.loads(message["data"]))
            handled += 1
            if handled == max_events:
                return

    def bind(self, function: Callable[..., object], place: Place, requests: Count) -> Call:  # noqa: ARG002 - by its sockets
        """Pass a client, made once: a supervisor that calls again goes on with the one it has."""
        import redis  # noqa: PLC0415 - each technique needs one client

        client = redis.Redis.from_url(place.url)

        def call(handle: Handle, ready: Ready, most: int) -> None:
            function(client, place.name, handle, max_events=most, ready=ready)

        return call

    def warm_up(self) -> None:
        """Import the client."""
        import redis  # noqa: F401, PLC0415 - each technique needs one client

    def sink(self, place: Place) -> Sink:
        """Publish on the channel."""
        from event_sinks.redis_sink import RedisSink  # noqa: PLC0415 - importable in a producer alone

        return RedisSink(place.url, place.name)
