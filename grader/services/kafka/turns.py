"""In which order the members of a group ask for their partitions.

The leader's SyncGroup gives each member its partitions. A broker answers members that ask after it,
too; the cluster refuses them (INVALID_REQUEST), so that they join again, and the leader with them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from grader.services.kafka.protocol import Request

_LONGEST = 0.8
"""Seconds that a leader waits: clients ask as soon as they have joined. The shortest session that
goes through is one second."""


class Turns:
    """Lets the leader's SyncGroup go to the cluster after those of the others."""

    def __init__(self, meet: Callable[[], object]) -> None:
        """Begin with no group.

        Args:
            meet: returns when the cluster has read what was sent to it before.
        """
        self._meet = meet
        self._asked: dict[str, tuple[int, set[str]]] = {}
        """Of each group the newest generation, and the members that have asked for it."""
        self._came = threading.Condition()

    def keep(self, request: Request) -> None:
        """Keep that a member has asked, after its SyncGroup was sent."""
        if (said := request.given_out) is None:
            return
        member, _ = said
        with self._came:
            generation, members = self._asked.get(request.group, (-1, set()))
            if request.generation > generation:
                self._asked[request.group] = (request.generation, {member})
            elif request.generation == generation:
                members.add(member)
            self._came.notify_all()

    def wait(self, request: Request) -> None:
        """Wait, before a leader's SyncGroup is sent, for those of the others; for a while."""
        if (said := request.given_out) is None:
            return
        member, receivers = said
        others = receivers - {member}
        if not others:
            return

        def all_have() -> bool:
            generation, members = self._asked.get(request.group, (-1, set()))
            return generation > request.generation or (
                generation == request.generation and others <= members
            )

        with self._came:
            have = self._came.wait_for(all_have, _LONGEST)
        if have:
            # They came on connections of their own: what was sent first need not be read first.
            self._meet()
