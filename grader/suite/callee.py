"""A process, as far as one call in it goes."""

from __future__ import annotations

from typing import Any, Protocol

from grader.suite.case import Case, Living
from grader.suite.steps import Write


class ReachedError(Exception):
    """The thing that a test waits for came before the next step."""


class HasFileno(Protocol):
    """An object that select takes."""

    def fileno(self) -> int:
        """Return its descriptor."""


class Callee(Living, Protocol):
    """A process, as far as a call in it goes."""

    case: Case
    loaded: set[str]
    """The student's modules that were imported in it."""

    @property
    def stops(self) -> bool:
        """Tell whether more than its callbacks are steps."""

    def receive(self, doing: str, before: HasFileno | None = None) -> dict[str, Any] | Write:
        """Receive the next message, or the write that it is held before.

        Raises:
            ReachedError: `before` could be read from, and nothing had come.
        """

    def answer(self, message: dict[str, Any]) -> None:
        """Answer a callback."""

    def let_write(self) -> None:
        """Let the held system call happen."""

    def waiting(self, seconds: float) -> bool:
        """Tell whether nothing comes within `seconds`."""

    def note(self, who: str, what: str, *, kill: bool = False) -> None:
        """Add to the test's log."""
