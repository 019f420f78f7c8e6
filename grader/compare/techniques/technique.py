"""Base class of the techniques that are compared."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from grader.compare.place import Place
from grader.compare.processes.counts import Count

if TYPE_CHECKING:
    from event_sinks.base import Sink

Handle = Callable[[dict[str, Any]], None]
Ready = Callable[[], None]
Call = Callable[[Handle, Ready, int], None]
"""Takes handle, ready and max_events; returns when the consumer does."""


@dataclass(frozen=True)
class Opinions:
    """The common opinion of a technique, in the rows of the lecture that can be measured."""

    latency: str
    keeps: str
    reliability: str
    consumers: str


class Technique(ABC):
    """A way to consume the stream. Has no state: one object serves all processes."""

    id: ClassVar[str]
    title: ClassVar[str]
    short: ClassVar[str] = ""
    """The title where columns are narrow; empty: the title."""
    exercise: ClassVar[str]
    file: ClassVar[str]
    function: ClassVar[str]
    """The consumer's, in the exercise's file."""
    service: ClassVar[str | None] = None
    """The kind of service behind it, as course.toml names one; None: files and sockets of this
    machine."""
    keeps: ClassVar[bool]
    """True where the medium holds events until somebody reads them."""
    burst: ClassVar[int]
    """Events of a run at full speed: about a second's work."""
    grace: ClassVar[float] = 1.0
    """Seconds of quiet after which nothing more comes; see `quiet`."""
    lines_at_once: ClassVar[int] = 1
    """How many a producer at full speed hands over in one call."""
    counts_requests: ClassVar[bool] = False
    """True where `bind` counts them; else what is written to sockets is counted."""

    intervals: ClassVar[tuple[float, ...]] = ()
    """Seconds between two polls at which latency is measured besides, where the place's `interval`
    is what it goes by."""
    short_poll: ClassVar[Mapping[str, object]] = {}
    """What its place is changed to for a consumer that asks without waiting; empty: none does."""

    opinions: ClassVar[Opinions]

    # Facts that no measurement shows, for the page.
    replay: ClassVar[str] = ""
    """Why what was handled can be read again, or empty. Whether it can is measured."""
    machines: ClassVar[str] = ""
    """How it crosses machines, or empty."""
    run: ClassVar[str] = "nothing"
    """Has to be run: nothing, a broker, or a provider's service."""

    @staticmethod
    @abstractmethod
    def bare(*args: Any, **kwargs: Any) -> object:
        """Consume with the client library in a loop and none of the promises.

        Takes the parameters of the exercise's function, so that one can stand for the other. What
        it does not keep (an offset, a second chance, a reaped child) is the point.
        """

    @abstractmethod
    def bind(self, function: Callable[..., object], place: Place, requests: Count) -> Call:
        """Return a call of `function`, the exercise's or `bare`, at `place`.

        Args:
            function: the consumer.
            place: where it consumes.
            requests: counts those that are not written to a socket of this process.
        """

    @abstractmethod
    def sink(self, place: Place) -> Sink:
        """Open the event generator's sink for it; its package is importable in a producer."""

    def second_consumer(self, place: Place) -> Place:
        """Return where another consumer works, on the same stream and at the same time."""
        return place

    def second_service(self, place: Place) -> Place:
        """Return where another service reads, which wants all events for itself.

        The same place where the technique knows no services: it shows what a second one gets.
        """
        return self.second_consumer(place)

    def warm_up(self) -> None:  # noqa: B027 - most need nothing
        """Import what consumers and producers need, in the process from which they are forked."""

    def port(self) -> int:
        """Choose a port to listen on, where it needs one; else 0."""
        return 0

    def make(self, place: Place) -> None:  # noqa: B027 - as above
        """Make what must exist before either side comes, such as a queue."""

    def remove(self, place: Place) -> None:  # noqa: B027 - as above
        """Remove it, and what goes with it."""

    def fill(self, place: Place, bodies: list[bytes]) -> Iterator[None]:
        """Let events wait in the medium, faster than a sink would; only where it keeps them.

        Yields as long as some have not arrived.
        """
        raise NotImplementedError(f"{self.title} keeps nothing")

    def quiet(self, place: Place) -> float:  # noqa: ARG002 - see kafka
        """Return the seconds of quiet after which nothing more comes to a consumer at `place`."""
        return self.grace

    def company(self, place: Place) -> AbstractContextManager[object]:  # noqa: ARG002 - see tcp_socket
        """Stay connected without a word, where a consumer waits for somebody who is."""
        return nullcontext()
