"""One process of the student's, and what passes between it and the suite."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import pytest

from grader.report import Kind
from grader.sandbox import syscalls
from grader.sandbox.spawned import Spawned
from grader.suite.callee import HasFileno, ReachedError
from grader.suite.case import Case
from grader.suite.log import argument
from grader.suite.outcomes import Failed, Hangs, Unusable
from grader.suite.patience import SLICE, Patience
from grader.suite.place import CodePlace, place_in
from grader.suite.run import Run
from grader.suite.steps import Write
from grader.worker import wire

_ASKS = 1.0
"""Seconds of a wait after which services are asked whether they cut the submission off."""
_MAX_BYTES = 64 << 20
"""Byte limit for all messages of one process; the suite's memory is a multiple of it."""
_MAX_STEPS = 20_000
"""Limit for the steps of one process; exercises need some hundreds."""

_SOON = 0.5
"""Seconds without a step after which a learner's own code is asked whether it hangs again."""
_ANSWER = 0.5
"""Seconds for a process to say where it stands."""


class Process:
    """One process of the student's. Calls are made one after the other."""

    def __init__(
        self, case: Case, spawned: Spawned, number: int, stops: Mapping[str, bool]
    ) -> None:
        self.case = case
        self._stops = stops
        self._take(spawned)
        self._number = number
        self._killed = False
        self._steps = 0
        self._run: Run | None = None
        self._kept: dict[str, Any] = {}
        self._ended_with_another = False

    def _take(self, spawned: Spawned) -> None:
        self._spawned = spawned
        # One that sends what cannot be read must not keep the suite from its deadline.
        spawned.channel.setblocking(False)  # noqa: FBT003 - the standard library's
        self._lines = wire.LineReader(spawned.channel, _MAX_BYTES)
        self._aside: deque[bytes] = deque()
        self._trace: list[bytes] = []
        self._asked = False
        """Whether it was asked where it stands: its answer may come late."""
        self.loaded: set[str] = set()
        """The student's modules that were imported in it."""

    @property
    def pid(self) -> int:
        """Its id as seen from outside the sandbox."""
        return self._spawned.pid

    @property
    def alive(self) -> bool:
        """Tell whether it still runs."""
        if self._killed:
            return False
        if self._spawned.pidfd is not None:
            return not select.select([self._spawned.pidfd], [], [], 0)[0]
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    @property
    def stops(self) -> bool:
        """Tell whether more than its callbacks are steps: writes, or lines."""
        return any(self._stops.values())

    def start(self, function: str, /, *args: Any, **kwargs: Any) -> Run:
        """Begin a call of `module.function`."""
        return self._begin(function, args, kwargs, keep="")

    def call(self, function: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call `module.function`, which takes no callbacks, and give what it returns.

        Raises:
            Failed: it raised, hung or ended the process.
        """
        return self.start(function, *args, **kwargs).returned()

    def keep(self, name: str, value: Any) -> None:
        """Build `value` inside and store it there; `Kept(name)` passes it to later calls."""
        self._kept[name] = value
        self._begin("worker.calls.keep", (value,), {}, keep=name).returned()

    @property
    def busy(self) -> bool:
        """Tell whether a call is under way in it."""
        return not self._killed and self._run is not None and not self._run.over

    def kill(self) -> None:
        """Send SIGKILL, to all that it started too, and wait until they are gone."""
        if not self._killed:
            self.case.end(self)

    def ended(self, *, with_another: bool) -> None:
        """Make sure of it, and give back what led to it.

        Args:
            with_another: whether it only had to go with one that was killed; a later call begins
                in a new process.
        """
        if self._killed:
            return
        self._killed = True
        self._ended_with_another = with_another
        pidfd = self._spawned.pidfd
        with contextlib.suppress(ProcessLookupError):
            if pidfd is not None:  # its number may be another process's by now
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                select.select([pidfd], [], [], self.case.seconds)
            elif self.pid:
                os.kill(self.pid, signal.SIGKILL)
        self._spawned.close()

    def _renew(self) -> None:
        """Take a new process in place of the one that had to go."""
        self._ended_with_another = False
        self._killed = False
        self._take(self.case.spawn(**self._stops))
        for name, value in self._kept.items():
            self.keep(name, value)

    def note(self, who: str, what: str, *, kill: bool = False) -> None:
        """Add to the test's log."""
        self.case.log.add(who if who == "suite" else f"process {self._number}", what, kill=kill)

    def _begin(
        self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any], keep: str
    ) -> Run:
        module = function.partition(".")[0]
        if reason := self.case.unusable(module):
            raise Unusable(reason)
        if self._ended_with_another:
            self._renew()
        words = [argument(a) for a in args if not isinstance(a, wire.Callback)]
        words += [
            f"{k}={argument(v)}" for k, v in kwargs.items() if not isinstance(v, wire.Callback)
        ]
        if not keep:
            self.note("suite", f"starts {function}({', '.join(words)}) in process {self._number}")
        self._run = run = Run(self, function)
        run.arguments = (*args, *kwargs.values())
        run.send(
            {
                "function": function,
                "args": wire.encode(list(args)),
                "kwargs": wire.encode(kwargs),
                "keep": keep,
            }
        )
        run.wait_until_loaded()
        return run

    def receive(self, doing: str, before: HasFileno | None = None) -> dict[str, Any] | Write:
        """Receive the next message, or the write that the process is held before.

        Raises:
            Failed: none came in time, the process ended, or it sent something else.
            ReachedError: `before` could be read from, and nothing had come.
        """
        patience = Patience(lambda seconds: self._waited(doing, seconds))
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise Failed(f"{doing} took {_MAX_STEPS} steps and did not come to an end", Kind.HUNG)
        channel, listener = self._spawned.channel, self._spawned.write_listener
        watched = [fd for fd in (channel.fileno(), listener) if fd is not None]
        halt: list[int | HasFileno] = [before] if before is not None else []
        try:
            while (line := self._message()) is None:
                ready = patience.select([*watched, *halt])
                # A message was sent before the write that is held now: it comes first.
                if channel.fileno() in ready:
                    if not self._lines.fill():
                        raise Failed(
                            f"{doing} ended its own process (os._exit, a signal, or out of memory)",
                            Kind.CRASHED,
                        )
                elif ready == halt and halt:
                    raise ReachedError
                elif listener is not None and listener in ready:
                    if not self._is_held(listener):
                        watched.remove(listener)  # the process is gone; its channel says so next
                    elif (write := self._held_write(listener)) is not None:
                        return write
            return wire.load(line)
        except wire.WireError as error:
            said = f"{doing} sent something that is no message: {error}"
            raise Failed(said, Kind.FORGED) from None

    def _message(self) -> bytes | None:
        """Return the next line that was received, without those that :meth:`where` asked for."""
        if self._aside:
            return self._aside.popleft()
        while (line := self._lines.pop()) is not None:
            if not self._asked or line.startswith(b"{"):
                return line
        return None

    def _waited(self, doing: str, seconds: float) -> float:
        """Count one slice more of a wait of `seconds`; 0.0 where the code gets on.

        Raises:
            Hangs: that was the last one.
        """
        if self.case.gets_on():
            return 0.0
        seconds += SLICE
        if seconds % _ASKS == 0 and (excess := self.case.exceeded()):
            # It was cut off, so nothing more will come.
            raise Failed(f"the program {excess}, and was cut off", Kind.FLOODED)
        if seconds >= self.case.seconds:
            raise self._hangs(doing)
        if seconds == _SOON:
            self._skip_what_hangs_again()
        return seconds

    def _hangs(self, doing: str) -> Hangs:
        place = self.where()
        if place is not None:
            self.case.hung_in.add((place.file, place.function))
        return Hangs(f"{doing} did nothing for {self.case.seconds} s", place)

    def _skip_what_hangs_again(self) -> None:
        """Wait no longer for a learner's own code that stands where it hung before."""
        if not (self.case.waits_once and self.case.hung_in):
            return
        place = self.where()
        if place is not None and (place.file, place.function) in self.case.hung_in:
            pytest.skip(f"{place.function}() hung in an earlier check, and stands there again")

    def where(self) -> CodePlace | None:
        """Ask the process where it stands in the student's code; None where it does not say.

        The answer is the process's own word: for a sentence, never for a verdict. See
        faulthandler.register, by which the worker answers from the middle of any call.
        """
        self._trace.clear()
        self._asked = True
        with contextlib.suppress(OSError):
            if self._spawned.pidfd is not None:
                signal.pidfd_send_signal(self._spawned.pidfd, signal.SIGUSR1)
            elif self.pid:
                os.kill(self.pid, signal.SIGUSR1)
        deadline = time.monotonic() + _ANSWER
        with contextlib.suppress(wire.WireError):
            while time.monotonic() < deadline:
                if not select.select([self._spawned.channel], [], [], _ANSWER / 5)[0]:
                    if self._trace:
                        break
                elif not self._lines.fill():
                    break
                while (line := self._lines.pop()) is not None:
                    (self._aside if line.startswith(b"{") else self._trace).append(line)
        return place_in(self._trace, self.case.sandbox.setup.files)

    def waiting(self, seconds: float) -> bool:
        """Tell whether nothing comes within `seconds`."""
        return (
            not self._aside
            and not self._lines.has_line()
            and not select.select([self._spawned.channel], [], [], seconds)[0]
        )

    def answer(self, message: dict[str, Any]) -> None:
        """Answer a callback."""
        channel = self._spawned.channel
        with contextlib.suppress(OSError):  # the process died or hangs; the next step tells
            try:
                # One that does not read must not keep the suite from its deadline either.
                channel.settimeout(self.case.seconds)
                channel.sendall(wire.dump(message))
            finally:
                channel.setblocking(False)  # noqa: FBT003 - the standard library's

    def let_write(self) -> None:
        """Let the held system call happen."""
        assert self._spawned.write_listener is not None
        with contextlib.suppress(OSError):  # the process died; the next step tells
            syscalls.let_go_on(self._spawned.write_listener, self._held)

    def _is_held(self, listener: int) -> bool:
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        return any(event & select.POLLIN for _, event in poll.poll(0))

    def _held_write(self, listener: int) -> Write | None:
        """Return the change of a file that it is held before; None for no change, or if killed."""
        try:
            held = syscalls.receive(listener)
        except OSError:
            return None
        self._held = held.identity
        if held.changes_a_file:
            return Write(held.name)
        self.let_write()
        return None
