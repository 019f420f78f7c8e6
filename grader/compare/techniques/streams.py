"""Redis Streams, a log with consumer groups."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from grader.compare.place import Place
from grader.compare.processes.counts import Count
from grader.compare.techniques.technique import Call, Handle, Opinions, Ready, Technique

if TYPE_CHECKING:
    from event_sinks.base import Sink

_WAIT_MS = 1000
"""How long a read waits for entries: the exercise's default. Claiming waits for it."""
_IDLE_MS = 2000
"""When a pending entry may be claimed: short, so that a crash run is."""
_PAGE = 1000
"""Entries that are appended in one round trip."""


class RedisStreams(Technique):
    """Exercise 05."""

    id: ClassVar[str] = "streams"
    title: ClassVar[str] = "Redis Streams"
    short: ClassVar[str] = "Streams"
    exercise: ClassVar[str] = "05"
    file: ClassVar[str] = "redis_streams.py"
    function: ClassVar[str] = "stream_consumer"
    service: ClassVar[str | None] = "redis"
    keeps: ClassVar[bool] = True
    burst: ClassVar[int] = 3_000
    grace: ClassVar[float] = (_IDLE_MS + _WAIT_MS) / 1000 + 1.0
    replay: ClassVar[str] = "the stream keeps it until it is trimmed"
    machines: ClassVar[str] = "the broker"
    run: ClassVar[str] = "broker"
    opinions: ClassVar[Opinions] = Opinions(
        latency="very low",
        keeps="yes, until trimmed",
        reliability="at least once",
        consumers="built in: a group shares, groups get all",
    )

    @staticmethod
    def bare(
        client: Any,
        stream: str,
        group: str,
        consumer: str,
        handle: Handle,
        *,
        max_events: int,
        wait_ms: int,
        batch_size: int = 10,
        **_: Any,
    ) -> None:
        """Read what is new, handle, acknowledge; what another left pending is never claimed."""
        import redis  # noqa: PLC0415 - the one client that this needs

        with contextlib.suppress(redis.ResponseError):  # it exists
            client.xgroup_create(stream, group, id="0", mkstream=True)
        handled = 0
        while handled < max_events:
            answer = client.xreadgroup(
                group, consumer, {stream: ">"}, count=batch_size, block=wait_ms
            )
            for _, entries in answer:
                for entry_id, fields in entries:
                    handle(json.loads(fields[b"event"]))
                    client.xack(stream, group, entry_id)
                    handled += 1

    def bind(self, function: Callable[..., object], place: Place, requests: Count) -> Call:  # noqa: ARG002 - by its sockets
        """Pass a client, the group and the consumer's name."""
        client = _client(place)

        def call(handle: Handle, ready: Ready, most: int) -> None:
            ready()
            function(
                client,
                place.name,
                place.group,
                place.consumer,
                handle,
                max_events=most,
                idle_ms=_IDLE_MS,
                wait_ms=_WAIT_MS,
                max_empty_reads=10**9,
            )

        return call

    def warm_up(self) -> None:
        """Import the client."""
        import redis  # noqa: F401, PLC0415 - each technique needs one client

    def sink(self, place: Place) -> Sink:
        """Append to the stream."""
        from event_sinks.redis_sink import StreamSink  # noqa: PLC0415 - importable in a producer alone

        return StreamSink(place.url, place.name)

    def second_consumer(self, place: Place) -> Place:
        """Return a place with another name in the same group."""
        return place.model_copy(update={"consumer": f"{place.consumer}-2"})

    def second_service(self, place: Place) -> Place:
        """Return a place with a group of its own."""
        return place.model_copy(update={"group": f"{place.group}-2"})

    def remove(self, place: Place) -> None:
        """Delete the stream, its groups with it, and the dead entries."""
        with _client(place) as client:
            client.delete(place.name, f"{place.name}.dead")

    def fill(self, place: Place, bodies: list[bytes]) -> Iterator[None]:
        """Append many in one round trip; what was answered has arrived."""
        with _client(place) as client:
            for start in range(0, len(bodies), _PAGE):
                pipeline = client.pipeline(transaction=False)
                for body in bodies[start : start + _PAGE]:
                    pipeline.xadd(place.name, {"event": body})
                pipeline.execute()
        yield from ()


def _client(place: Place) -> Any:
    import redis  # noqa: PLC0415 - each technique needs one client

    return redis.Redis.from_url(place.url)
