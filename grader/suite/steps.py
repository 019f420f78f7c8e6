"""The steps of a run, as the suite sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Handle:
    """The consumer calls `handle(event)` and stands still in it."""

    event: Any


@dataclass(frozen=True)
class Ready:
    """The consumer calls `ready()` and stands still in it."""


@dataclass(frozen=True)
class Sleep:
    """The consumer calls `sleep(seconds)` and stands still in it."""

    seconds: Any


@dataclass(frozen=True)
class Stop:
    """The consumer calls `stop()`, which says whether it should stop, and stands still in it.

    `in_thread` says that a thread of its own calls it: what `stop` raises ends that thread alone.
    """

    in_thread: bool = False


@dataclass(frozen=True)
class Write:
    """The process is about to change a file, by this system call, and is held before it."""

    syscall: str


@dataclass(frozen=True)
class Line:
    """The process is about to run a line of the student's code, and stands still before it."""

    number: Any


@dataclass(frozen=True)
class Returned:
    """The function returned `value`."""

    value: Any


@dataclass(frozen=True)
class Raised:
    """An exception left the function: its type's name, those of its bases, and a sentence.

    `bases` are qualified by their modules, but for builtins: "TimeoutError", "queue.Empty".
    `by_handle` says that it is the very exception that the suite let `handle` raise.
    """

    type: str
    bases: tuple[str, ...]
    message: str
    by_handle: bool = False

    def is_a(self, name: str) -> bool:
        """Tell whether it is of the type with that qualified name, or of one derived from it."""
        return name in self.bases


Step = Handle | Ready | Sleep | Stop | Write | Line | Returned | Raised


def in_words(step: Step, function: str, named: Callable[[Any], str] | None = None) -> str:
    """Say what happened, for a sentence of a report; `named` says how an event is called."""
    match step:
        case Handle(event):
            return f"{function} called handle({(named or shorten)(event)})"
        case Ready():
            return f"{function} called ready()"
        case Sleep(seconds):
            return f"{function} called sleep({shorten(seconds)})"
        case Stop():
            return f"{function} called stop()"
        case Write(syscall):
            return f"{function} was about to change a file ({syscall})"
        case Line(number):
            return f"{function} came to line {shorten(number)}"
        case Returned(value):
            return f"{function} returned {shorten(value)}"
        case Raised(message=message):
            return f"{function} raised {message}"


def shorten(value: Any, limit: int = 100) -> str:
    """Return `value` on one line: an event by its id, else at most `limit` characters."""
    if isinstance(value, dict) and "event_id" in value:
        return f"event {value['event_id']}"
    return cut(value, limit)


def cut(value: Any, limit: int = 100) -> str:
    """Return what `value` looks like, at most `limit` characters of it."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
