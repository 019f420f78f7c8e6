"""Tell whether a Redis answers at an address, or another program that has its port."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import redis

_SECONDS = 3.0
"""For an answer: who is silent for so long on this machine is no server of ours."""


def redis_problem(url: str) -> str:
    """Return why a Redis cannot be used, in a few words; "" where one answers."""
    import redis  # noqa: PLC0415 - each client is imported where it is needed

    try:
        with _client(url) as client:
            client.ping()
    except redis.AuthenticationError:
        return "Redis refuses the password"
    except Exception:  # noqa: BLE001 - whatever the client makes of another program's answer
        return "no Redis answers"
    return ""


def redis_version(url: str) -> tuple[int, int]:
    """Return the first two numbers of the version that it says it has; (0, 0) where it does not."""
    with contextlib.suppress(Exception), _client(url) as client:
        major, minor, *_ = str(client.info("server")["redis_version"]).split(".")
        return int(major), int(minor)
    return 0, 0


def _client(url: str) -> redis.Redis:
    import redis  # noqa: PLC0415 - each client is imported where it is needed
    from redis.backoff import NoBackoff  # noqa: PLC0415 - as above
    from redis.retry import Retry  # noqa: PLC0415 - as above

    return redis.Redis.from_url(
        url,
        socket_connect_timeout=_SECONDS,
        socket_timeout=_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
