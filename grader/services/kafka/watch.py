"""What a suite wants to see of a submission's requests, or to happen before one of them."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from grader.services.kafka.protocol import Request

_MOST_SEEN = 100_000
"""More than one submission may send in all, so that nothing of it is forgotten."""
UNASKED = frozenset(["ApiVersions", "Metadata", "FindCoordinator", "Fetch", "Heartbeat"])
"""What a client sends by itself, again and again."""


class Watch:
    """An action that runs once, before a certain request goes on to the cluster."""

    def __init__(
        self,
        names: tuple[str, ...],
        number: int,
        action: Callable[[], None],
        group: str = "",
        client: str = "",
        *,
        drops: bool = False,
    ) -> None:
        """Watch for the `number`-th request.

        Args:
            names: of the kinds that count; none: all but what a client sends by itself.
            number: from 1.
            action: runs in the thread of the request's connection, which stands still meanwhile.
            group: only requests about it count.
            client: only requests of who calls itself so (`client.id`) count.
            drops: whether the connection ends after the action, and the request with it. The
                requests before it are answered when the action begins.
        """
        self._names = names
        self._group = group
        self._client = client
        self._left = number
        self._action = action
        self.drops = drops
        self._lock = threading.Lock()
        self.reached = threading.Event()
        """Set when the request has come; the action runs then, or has run."""
        self.request: Request | None = None
        """The request that came."""
        self.failure: BaseException | None = None
        """What the action raised."""

    def is_it(self, request: Request) -> bool:
        """Count `request`; tell whether it is the one. Called in its connection's thread."""
        if request.name not in self._names if self._names else request.name in UNASKED:
            return False
        if self._group and request.group != self._group:
            return False
        if self._client and request.client != self._client:
            return False
        with self._lock:
            self._left -= 1
            return self._left == 0

    def act(self, request: Request) -> None:
        """Run the action."""
        self.request = request
        self.reached.set()
        try:
            self._action()
        except Exception as error:  # noqa: BLE001 - it belongs to who watches
            self.failure = error


@dataclass(frozen=True)
class Seen:
    """A request that came."""

    at: float
    """When, as time.monotonic() counts."""
    name: str
    """Of its kind, such as `OffsetCommit`."""
    group: str
    """That it is about, or ""."""
    client: str
    """Its `client.id`."""
    connection: int
    """Which one it came on; each client has its own."""


@dataclass(frozen=True)
class Answered:
    """An answer of the cluster to a member of a group."""

    name: str
    """The kind of its request: JoinGroup, SyncGroup, Heartbeat, OffsetCommit or LeaveGroup."""
    group: str
    client: str
    """The member's `client.id`."""
    generation: int
    """That a Heartbeat or SyncGroup spoke of; of others -1."""
    error: int
    """0: none."""


class Recording:
    """The requests that came while it was watched, in order; the newest where they are many."""

    def __init__(self) -> None:
        self._seen: deque[Seen] = deque(maxlen=_MOST_SEEN)
        self._answered: deque[Answered] = deque(maxlen=_MOST_SEEN)

    def see(self, request: Request, connection: int = 0) -> None:
        """Keep it, and which connection it came on."""
        said = (request.name, request.group, request.client, connection)
        self._seen.append(Seen(time.monotonic(), *said))

    def hear(self, request: Request, error: int) -> None:
        """Keep what it was answered."""
        said = (request.name, request.group, request.client, request.generation, error)
        self._answered.append(Answered(*said))

    def answers(self, *names: str, group: str = "") -> list[Answered]:
        """Return what members were answered to requests of these kinds so far, in order."""
        return [
            each
            for each in list(self._answered)
            if each.name in names and group in ("", each.group)
        ]

    def requests(self, *names: str, group: str = "") -> list[Seen]:
        """Return those of these kinds so far; without names all but what a client sends unasked."""
        return [
            each
            for each in list(self._seen)
            if (each.name in names if names else each.name not in UNASKED)
            and group in ("", each.group)
        ]

    def counts(self) -> dict[str, int]:
        """Count the requests so far by their kinds, all of them."""
        return dict(Counter(each.name for each in list(self._seen)))

    def clear(self) -> None:
        """Forget what came."""
        self._seen.clear()
        self._answered.clear()
