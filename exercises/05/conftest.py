"""A Redis for the public tests of exercise 05: a stand-in, inside this process."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import fakeredis
import pytest
import redis

STREAM = "taxi_events"


@pytest.fixture(params=[False, True], ids=["bytes", "decode_responses"])
def client(request: pytest.FixtureRequest) -> fakeredis.FakeRedis:
    """Give a client of the server of this test, with `decode_responses` off and on."""
    return fakeredis.FakeRedis(server=fakeredis.FakeServer(), decode_responses=request.param)


class Onlooker:
    """Looks at the streams of a test's server, and does what other clients do."""

    def __init__(self, client: fakeredis.FakeRedis) -> None:
        server = client.connection_pool.connection_kwargs["server"]
        self.redis = fakeredis.FakeRedis(server=server, decode_responses=True)

    def append(self, *events: object) -> list[str]:
        """Append an entry for each event; a str or bytes as it is."""
        values = [each if isinstance(each, str | bytes) else json.dumps(each) for each in events]
        return [self.redis.xadd(STREAM, {"event": value}) for value in values]

    def deliver(self, consumer: str, count: int, *, idle: int, group: str = "fares") -> list[str]:
        """Have another consumer take entries, and hold them for `idle` milliseconds by now."""
        self.create(group)
        answer = self.redis.xreadgroup(group, consumer, {STREAM: ">"}, count=count)
        ids = [entry_id for _, entries in answer for entry_id, _ in entries]
        self.age(*ids, consumer=consumer, idle=idle, group=group)
        return ids

    def create(self, group: str = "fares") -> None:
        """Create a group where it is missing, from the first entry on."""
        with contextlib.suppress(redis.ResponseError):
            self.redis.xgroup_create(STREAM, group, id="0", mkstream=True)

    def age(self, *ids: str, consumer: str, idle: int, group: str = "fares") -> None:
        """Make pending entries as old as if that many milliseconds had gone by."""
        for entry_id in ids:
            # With justid the server does not count it as a delivery.
            self.redis.xclaim(STREAM, group, consumer, 0, [entry_id], idle=idle, justid=True)

    def pending(self, group: str = "fares") -> dict[str, str]:
        """Return the ids that are pending in a group, and the consumer that holds each."""
        try:
            found = self.redis.xpending_range(STREAM, group, min="-", max="+", count=100)
        except redis.ResponseError as error:  # no such group
            pytest.fail(f"there should be a group {group} of the stream {STREAM}: {error}")
        return {each["message_id"]: each["consumer"] for each in found}

    def delivered(self, group: str = "fares") -> int:
        """How many entries of the stream were delivered to a group."""
        groups = {each["name"]: each for each in self.redis.xinfo_groups(STREAM)}
        assert group in groups, f"there should be a group {group}; the stream has {list(groups)}"
        found = groups[group]
        return len(self.redis.xrange(STREAM, max=found["last-delivered-id"]))

    def events(self, stream: str = STREAM) -> list[Any]:
        """Return what is in the field `event` of each entry of a stream, as it stands there."""
        return [fields.get("event") for _, fields in self.redis.xrange(stream)]


@pytest.fixture
def server(client: fakeredis.FakeRedis) -> Onlooker:
    """Give a look at the server that does not go by your client."""
    return Onlooker(client)
