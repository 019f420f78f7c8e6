"""The sink for Redis Pub/Sub."""

from __future__ import annotations

import contextlib

from event_sinks.base import Sink, SinkError, events, host_of, reason, unreachable


class RedisSink(Sink):
    """Publishes to a Pub/Sub channel, and counts the events that no subscriber got."""

    done = "Published"

    def __init__(self, url: str, channel: str) -> None:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self._server = f"Redis at {host_of(url, '--url')}"
        self.target = f"channel {channel} of {self._server}"
        self._channel = channel
        self._errors = redis.RedisError
        self._unheard = 0
        try:
            # A publish that is tried again may arrive twice.
            self._client = redis.Redis.from_url(
                url, socket_connect_timeout=5, socket_timeout=30, retry=Retry(NoBackoff(), 0)
            )
            self._client.ping()
        except ValueError as error:
            raise SinkError(f"--url does not name a Redis server: {reason(error)}.") from error
        except redis.AuthenticationError as error:
            raise SinkError(f"{self._server} refuses the password: check --url.") from error
        except redis.RedisError as error:
            raise unreachable(self._server, error) from error

    def send(self, lines: bytes) -> None:
        try:
            receivers = self._client.publish(self._channel, lines.rstrip(b"\n"))
        except self._errors as error:
            raise unreachable(self._server, error) from error
        if receivers == 0:
            self._unheard += 1

    def remark(self) -> str:
        if not self._unheard:
            return ""
        return f"Nobody received {events(self._unheard)}: without a subscriber they are lost."

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._client.close()
