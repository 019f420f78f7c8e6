"""The sinks for Redis: Pub/Sub, and a stream."""

from __future__ import annotations

import contextlib

from event_sinks.base import Sink, SinkError, events, host_of, reason, unreachable


class _OfRedis(Sink):
    """A sender to a Redis server, with one connection and no second try."""

    def __init__(self, url: str, what: str) -> None:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self._server = f"Redis at {host_of(url, '--url')}"
        self.target = f"{what} of {self._server}"
        self._errors = redis.RedisError
        self._refused = redis.ResponseError
        try:
            # What is sent again may arrive twice.
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

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._client.close()


class RedisSink(_OfRedis):
    """Publishes to a Pub/Sub channel, and counts the events that no subscriber got."""

    done = "Published"

    def __init__(self, url: str, channel: str) -> None:
        super().__init__(url, f"channel {channel}")
        self._channel = channel
        self._unheard = 0

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


class StreamSink(_OfRedis):
    """Appends to a stream, where the events stay whether or not anybody reads them."""

    done = "Appended"

    def __init__(self, url: str, stream: str) -> None:
        super().__init__(url, f"stream {stream}")
        self._stream = stream

    def send(self, lines: bytes) -> None:
        try:
            self._client.xadd(self._stream, {"event": lines.rstrip(b"\n")})
        except self._refused as error:
            # For example WRONGTYPE: the name is that of a list, or of a plain value.
            raise SinkError(
                f"{self._server} refuses to append to {self._stream}: {reason(error)}. "
                "Choose another --stream."
            ) from error
        except self._errors as error:
            raise unreachable(self._server, error) from error
