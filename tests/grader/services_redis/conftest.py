"""A private server of Redis, for the tests beside this file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis_lab import new_service

from grader.services.redis.service import RedisService


@pytest.fixture
def service() -> Iterator[RedisService]:
    """A private server, attached to a listener."""
    made = new_service()
    yield made
    made.close()
