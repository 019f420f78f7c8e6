"""The student's code in a sandbox, as a test sees it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from grader.host.processes import ProcessInfo
from grader.report import Kind
from grader.sandbox import syscalls
from grader.sandbox.base import Sandbox
from grader.sandbox.folder import Folder
from grader.sandbox.line import SandboxDied
from grader.sandbox.spawned import Spawned
from grader.suite.case import Living
from grader.suite.imports import Imports
from grader.suite.log import Log
from grader.suite.outcomes import Failed, not_graded
from grader.suite.process import Process
from grader.suite.run import Run
from grader.suite.settle import settled


class Lab(Protocol):
    """The part of a session that a Consumer needs."""

    broken_modules: dict[str, str]
    """Modules that cannot be used, and why; the sentence is for the student."""
    imports: Imports
    """How long the imports of its modules take."""

    hung_in: set[tuple[str, str]]
    """The functions, each after its file, in which a process hung."""
    waits_once: bool
    """Whether what hangs again in one of them is not waited for: a learner's own code."""

    spared: set[int]
    """Processes that no kill and no end of another run ends."""

    def sandbox(self) -> Sandbox:
        """Return the submission's sandbox, started (again, where the last one was killed)."""

    def serves(self) -> bool:
        """Tell whether the services in use serve; time for which they do not is nobody's wait."""

    def exceeded(self) -> str:
        """Return what the submission did more of than it may, as a clause; "" when it did not."""


class Consumer:
    """The student's code, as a test sees it. One for each test."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._processes: list[Process] = []
        self.log = Log()
        self.scene = ""
        """What the test has set up, as a clause; it begins the sentence when a run goes wrong."""
        self.sandbox = lab.sandbox()
        self.seconds = self.sandbox.setup.limits.seconds
        self.progress: Callable[[], object] = lambda: None
        """What changes while the student's code gets on with what no step shows, as a test sees it:
        a wait for the next step then begins anew."""
        self._seen_progress: object = None

    @property
    def stream(self) -> Folder:
        """The folder that the suite writes and the student reads."""
        return self.sandbox.stream

    @property
    def state(self) -> Folder:
        """The folder that the student writes."""
        return self.sandbox.state

    @property
    def files(self) -> Collection[str]:
        """The names of the files that were handed in and can be used."""
        return self.sandbox.setup.files.keys()

    def given(self, scene: str) -> None:
        """Say what the test has set up, for the sentence of a run that then goes wrong."""
        self.scene = scene

    def process(self, *, stop_at_writes: bool = False, stop_at_lines: bool = False) -> Process:
        """Start a new process with nothing imported yet but libraries."""
        if stop_at_writes and not syscalls.available():
            not_graded("this check needs Linux 5.0 or later with libseccomp")
        stops = {"stop_at_writes": stop_at_writes, "stop_at_lines": stop_at_lines}
        if any(stops.values()):
            self._end_idle()  # it could write in place of the one that is stopped
        process = Process(self, self.spawn(**stops), len(self._processes) + 1, stops)
        self._processes.append(process)
        return process

    def spawn(self, *, stop_at_writes: bool = False, stop_at_lines: bool = False) -> Spawned:
        """Start a new process inside, and return what a Process holds.

        Raises:
            Failed: the submission ended its sandbox.
        """
        try:
            return self.sandbox.spawn(stop_at_writes=stop_at_writes, stop_at_lines=stop_at_lines)
        except SandboxDied as death:
            raise Failed(self._why_dead(death), Kind.ENDED_SANDBOX) from None

    @property
    def pids(self) -> set[int]:
        """The ids of the processes of `process()`, as seen from outside."""
        return {process.pid for process in self._processes}

    def start(self, function: str, /, *args: Any, **kwargs: Any) -> Run:
        """Begin a call of `module.function` in a new process."""
        return self.process().start(function, *args, **kwargs)

    def gets_on(self) -> bool:
        """Tell whether `progress` has changed since it was last looked at, or it cannot get on."""
        before, self._seen_progress = self._seen_progress, self.progress()
        return before != self._seen_progress or not self._lab.serves()

    def exceeded(self) -> str:
        """Return what the submission did more of than it may, as a clause; "" when it did not."""
        return self._lab.exceeded()

    def processes(self) -> list[ProcessInfo]:
        """Return every process of the student's that is left, without those of `process()`."""
        own = self.pids
        return [info for info in self.sandbox.processes() if info.pid not in own]

    def left_processes(
        self, matches: Callable[[ProcessInfo], bool] = lambda _: True, within: float = 2.0
    ) -> list[ProcessInfo]:
        """Return those of `processes()` that match and are still there after `within` seconds.

        Returns as soon as there is none: the kernel needs a moment for what was killed.
        """
        return settled(lambda: [each for each in self.processes() if matches(each)], within)

    def crash(self, process: Living) -> None:
        """End `process` and all that the submission runs but what stands in another call."""
        self._end([process], self._idle(but=process))

    def end(self, process: Living) -> None:
        """End `process`, with what it left running; the others live on, with what they started."""
        self._end([process], [])

    def _end_idle(self) -> None:
        """End those with no call under way; a later call in one begins in a new process."""
        if idle := self._idle():
            self._end([], idle)

    def _idle(self, but: Living | None = None) -> list[Process]:
        return [p for p in self._processes if p is not but and p.alive and not p.busy]

    def _end(self, killed: Sequence[Living], others: Sequence[Living]) -> None:
        gone = (*killed, *others)
        living = [p.pid for p in self._processes if p.alive and p not in gone]
        self.sandbox.end_processes([*living, *self._lab.spared])
        for each in killed:
            each.ended(with_another=False)
        for each in others:
            each.ended(with_another=True)

    def connect(self, port: int, host: str = "localhost") -> socket.socket:
        """Connect to a server of the student's.

        Raises:
            ConnectionRefusedError: nothing listens there.
        """
        try:
            return self.sandbox.connect(host, port)
        except SandboxDied as death:
            raise Failed(self._why_dead(death), Kind.ENDED_SANDBOX) from None

    def close(self) -> None:
        """End every process that the test started, and what those left."""
        self.sandbox.end_processes(self._lab.spared)
        for process in self._processes:
            process.ended(with_another=False)

    @property
    def broken(self) -> Mapping[str, str]:
        """The modules that cannot be used, and why."""
        return self._lab.broken_modules

    @property
    def hung_in(self) -> set[tuple[str, str]]:
        """The functions, each after its file, in which a process of the submission hung."""
        return self._lab.hung_in

    @property
    def waits_once(self) -> bool:
        """Tell whether what hangs again in the same function is not waited for."""
        return self._lab.waits_once

    def unusable(self, module: str) -> str | None:
        """Return why no call into `module` can be made, or None."""
        return self._lab.broken_modules.get(module)

    def found_unusable(self, module: str, reason: str) -> None:
        """Remember that `module` cannot be used, so that no later test waits for it."""
        self._lab.broken_modules[module] = reason

    def timed_import(self, module: str) -> AbstractContextManager[None]:
        """Time the import of `module` in the body."""
        return self._lab.imports.timed(module)

    def _why_dead(self, death: SandboxDied) -> str:
        return f"the program ended the sandbox that it ran in ({death})"
