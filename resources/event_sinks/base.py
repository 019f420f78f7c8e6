"""What all sinks share: the interface, the one error, and how it is worded."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import ClassVar
from urllib.parse import urlsplit

_LONGEST = 160


class SinkError(Exception):
    """A sink refused or broke. The text is one line: what is wrong, and the next step.

    `taken` is how many events of the last `send` it had taken before, where it knows.
    """

    def __init__(self, text: str, taken: int = 0) -> None:
        super().__init__(text)
        self.taken = taken


class Sink(ABC):
    """Takes events until it is closed."""

    done: ClassVar[str]
    """What happened to an event that was taken, as a word: Wrote, Sent, Published."""
    block: ClassVar[int] = 1
    """How many lines one `send` may hold."""
    interruptible = True
    """Whether `send` may block for long, so that Ctrl-C has to break into it."""
    target: str
    """Where the events go, as a person would say it."""

    @abstractmethod
    def send(self, lines: bytes) -> None:
        """Take up to `block` events, one line each. Raises SinkError."""

    def wait(self, seconds: float) -> None:
        """Wait between two events. Raises SinkError if the sink broke meanwhile."""
        time.sleep(seconds)

    def remark(self) -> str:
        """Return what else to say at the end, as a sentence; empty for nothing."""
        return ""

    @abstractmethod
    def close(self) -> None:
        """Release the file or the connection. Never raises."""


def unreachable(server: str, error: BaseException) -> SinkError:
    """Return the error for a server that does not answer, or no longer does."""
    return SinkError(
        f"Cannot reach {server}: {reason(error)}. Is it running? Start it with: grader services up"
    )


def reason(error: BaseException) -> str:
    """Return the operating system's words where it has some, else the library's, on one line."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        # pika keeps the system's error in its own, redis-py raises its own while handling it.
        kept = [*seen.args[:1], getattr(seen, "exception", None), seen.__context__]
        seen = next((inner for inner in kept if isinstance(inner, BaseException)), None)
    said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    # Another program's answer may be a whole page.
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]} ..."


def host_of(url: str, option: str) -> str:
    """Return the server that a URL names, without user and password; SinkError for none."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - read for its ValueError
    except ValueError as error:
        raise SinkError(f"{option} is not a URL: {reason(error)}.") from error
    return parts.netloc.rpartition("@")[2] or url


def events(count: int) -> str:
    """Return a number of events, in words."""
    return "1 event" if count == 1 else f"{count} events"
