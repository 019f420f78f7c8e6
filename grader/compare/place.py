"""Where producer and consumer of one run meet: a path, a port, a channel, a queue."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Place(BaseModel):
    """The place where both sides meet; each technique uses the part that it needs."""

    model_config = ConfigDict(frozen=True)

    path: str = ""
    offset_path: str = ""
    interval: float = 0.1
    """Seconds between two polls."""
    max_polls: int = 10**9
    port: int = 0
    url: str = ""
    """Of the server, login and virtual host included."""
    name: str = ""
    """Of the channel, queue or stream."""
    group: str = "compare"
    consumer: str = "one"
    """Within the group."""
    wait_seconds: int = 5
    """Of a long poll."""
    session_ms: int = 6000
    """When a silent member of a group is given up: the shortest that a Kafka broker takes as it is
    delivered. Source: Apache Kafka's documentation, group.min.session.timeout.ms."""
    fetch_wait_ms: int = 500
    """How long a broker keeps a fetch where there is nothing: the client's default."""
