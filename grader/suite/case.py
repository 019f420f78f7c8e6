"""What a process, and a call in it, need of the test that began them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from grader.sandbox.base import Sandbox
from grader.sandbox.spawned import Spawned
from grader.suite.log import Log


class Living(Protocol):
    """A process, as far as a case ends it."""

    @property
    def pid(self) -> int:
        """Its id as seen from outside the sandbox."""

    @property
    def alive(self) -> bool:
        """Tell whether it still runs."""

    @property
    def busy(self) -> bool:
        """Tell whether a call is under way in it."""

    def ended(self, *, with_another: bool) -> None:
        """Make sure that it has ended; `with_another` if it only had to go with one."""


class Case(Protocol):
    """One test with its submission. It is handed down, so that no process imports who made it."""

    log: Log
    scene: str
    """What the test has set up, as a clause."""
    sandbox: Sandbox
    seconds: int
    """The longest wait for a step."""

    @property
    def files(self) -> Collection[str]:
        """The names of the files that were handed in and can be used."""

    @property
    def broken(self) -> Mapping[str, str]:
        """The modules that cannot be used, and why."""

    @property
    def hung_in(self) -> set[tuple[str, str]]:
        """The functions, each after its file, in which a process of the submission hung."""

    @property
    def waits_once(self) -> bool:
        """Tell whether what hangs again in the same function is not waited for."""

    def given(self, scene: str) -> None:
        """Say what the test has set up, for the sentence of a run that then goes wrong."""

    def spawn(self, *, stop_at_writes: bool = False, stop_at_lines: bool = False) -> Spawned:
        """Start a new process inside."""

    def gets_on(self) -> bool:
        """Tell whether the code got on with what no step shows, since the last call of this."""

    def exceeded(self) -> str:
        """Return what the submission did more of than it may, as a clause; "" when it did not."""

    def crash(self, process: Living) -> None:
        """End the process and all that the submission runs but what stands in another call."""

    def end(self, process: Living) -> None:
        """End the process, with what it left running; the others live on."""

    def unusable(self, module: str) -> str | None:
        """Return why no call into the module can be made, or None."""

    def found_unusable(self, module: str, reason: str) -> None:
        """Remember that the module cannot be used."""

    def timed_import(self, module: str) -> AbstractContextManager[None]:
        """Time the import of the module in the body."""
