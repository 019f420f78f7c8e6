"""What happens on an alarm: the virtual host that takes most of the broker's memory goes.

A broker that is short of memory or disk takes no message from anybody until there is room again.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from grader.errors import ServiceError
from grader.services.rabbitmq.api import ManagementApi

LEAST_BYTES = 16 << 20
"""No right submission's virtual host takes so much; a smaller one is never removed."""
_EVERY_SECONDS = 1.0
_AFTER_SECONDS = 6.0
"""The broker counts anew every five seconds; until then the next largest stays."""


def relieve(api: ManagementApi) -> str:
    """Remove the largest virtual host if an alarm is on; return its name, or an empty string.

    Raises:
        ServiceError: the broker's administration does not answer.
    """
    if not api.is_alarmed():
        return ""
    sizes = api.tenant_sizes()
    largest = max(sizes, key=sizes.__getitem__, default="")
    if not largest or sizes[largest] < LEAST_BYTES:
        return ""
    api.remove_tenant(largest)
    return largest


class Relief:
    """Looks at a node again and again, in a thread, as long as the process lives."""

    def __init__(self, api: Callable[[], ManagementApi | None]) -> None:
        """Take `api`, which returns the administration of the node that serves now, or None."""
        self._api = api
        self._end = threading.Event()
        threading.Thread(target=self._run, name="rabbitmq relief", daemon=True).start()

    def _run(self) -> None:
        pause = _EVERY_SECONDS
        while not self._end.wait(pause):
            pause = _EVERY_SECONDS
            # It may be being replaced, or too busy to tell.
            with contextlib.suppress(ServiceError):
                api = self._api()
                if api is not None and relieve(api):
                    pause = _AFTER_SECONDS

    def close(self) -> None:
        """Look no more."""
        self._end.set()
