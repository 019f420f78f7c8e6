"""What every service promises to a suite."""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from grader.services.gate import Gate


class Service(ABC):
    """A broker or server that a student's consumer talks to over `port`.

    One object serves one submission, in the grading process. The consumer connects to
    `host`:`port`; the connections come out of the sandbox through a listening socket.
    """

    host: str = "localhost"
    port: int = 0
    """What the consumer connects to; set by `attach`."""
    lost: float = 0.0
    """Seconds that the suite itself waited for it, where it was slow to answer."""
    observer: Callable[[str], None] | None = None
    """Told, for a test's log, what goes over the medium; from any thread."""
    gate: Gate | None = None
    """What it asks before it lets a packet go on; set before `attach`, the same for all services
    of a submission. RabbitMQ and SQS ask."""

    @property
    def shared(self) -> bool:
        """Tell whether others use the same server: where it breaks, it is not this submission."""
        return False

    @property
    def exceeded(self) -> bool:
        """Tell whether the submission sent more than it may and was cut off."""
        return False

    @property
    def why_exceeded(self) -> str:
        """Return what the program did when `exceeded`, as a clause; empty: it sent too much."""
        return ""

    @property
    def refusals(self) -> Sequence[str]:
        """Return what the program asked for so far that is not offered, as clauses about it."""
        return ()

    def observe(self, what: str) -> None:
        """Tell the observer, if there is one."""
        if self.observer is not None:
            self.observer(what)

    @abstractmethod
    def attach(self, listener: socket.socket, port: int) -> None:
        """Serve every connection that `listener`, bound and listening, accepts.

        The service owns `listener` from now on. `port` is its port as the consumer sees it.
        """

    @abstractmethod
    def check(self) -> None:
        """Prove that the service still works.

        Raises:
            ServiceError: it does not: whatever failed meanwhile says nothing of the student.
        """

    def serves(self) -> bool:
        """Tell whether it serves now: asked while the student's code does nothing that is seen.

        Time for which it does not is no wait of the student's. It may wait until it serves.
        """
        return True

    @abstractmethod
    def close(self) -> None:
        """Stop serving and free what was taken. May be called twice."""
