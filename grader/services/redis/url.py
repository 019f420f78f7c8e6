"""REDIS_URL: the server that the user runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from grader.errors import ServiceError

URL_VARIABLE = "REDIS_URL"
_PORT = 6379


@dataclass(frozen=True)
class OwnRedis:
    """A server that the user runs."""

    host: str
    port: int
    login: dict[str, str] = field(default_factory=dict, hash=False)
    """A `password`, and a `username`; empty where none is needed."""


def parse_url(url: str) -> OwnRedis:
    """Return the parts of redis://[user[:password]@]host[:port].

    Raises:
        ServiceError: it is not one that can be used.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORT
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme != "redis" or not parts.hostname:
        # The value may hold a password, so it is not shown.
        raise ServiceError(
            f"{URL_VARIABLE} names no Redis server: it starts with redis://",
            f"Correct {URL_VARIABLE}, or unset it to use a private server.",
        )
    login = {}
    if parts.password:
        login["password"] = unquote(parts.password)
        if parts.username:
            login["username"] = unquote(parts.username)
    return OwnRedis(parts.hostname, port, login)
