"""The handle on a running function of a student's: start it, see each step, decide, kill it."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections.abc import Callable
from typing import Any, Protocol

from grader.sandbox import syscalls
from grader.sandbox.base import Sandbox, SandboxDied, Spawned
from grader.sandbox.folder import Folder
from grader.sandbox.inside import wire
from grader.sandbox.processes import ProcessInfo
from grader.suite.outcomes import Failed, Unusable, not_graded
from grader.suite.steps import (
    Handle,
    Raised,
    Ready,
    Returned,
    Sleep,
    Step,
    Write,
    in_words,
    shorten,
)

_SLICE = 0.25
"""Seconds. A deadline is counted in slices, so that a machine that stood still costs one slice."""
_LOG_LIMIT = 200


class Log:
    """What happened in one test, in order: entries of `at` (seconds), `who` and `what`."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self.entries: list[dict[str, Any]] = []

    def add(self, who: str, what: str) -> None:
        """Note that `who` did `what`, now."""
        if len(self.entries) < _LOG_LIMIT:
            at = round(time.monotonic() - self._start, 4)
            self.entries.append({"at": at, "who": who, "what": what})


class Lab(Protocol):
    """What a Consumer needs of the session that it belongs to."""

    broken_modules: dict[str, str]
    """Modules that cannot be used, and why; the sentence is for the student."""

    def sandbox(self) -> Sandbox:
        """The submission's sandbox, started (again, where the last one was killed)."""


class Consumer:
    """The student's code, as a test sees it. One for each test."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._processes: list[Process] = []
        self.log = Log()
        self.sandbox = lab.sandbox()
        self.seconds = self.sandbox.setup.limits.seconds

    @property
    def stream(self) -> Folder:
        """The folder that the suite writes and the student reads."""
        return self.sandbox.stream

    @property
    def state(self) -> Folder:
        """The folder that the student writes."""
        return self.sandbox.state

    def process(self, *, stop_at_writes: bool = False) -> Process:
        """A new process with nothing imported yet but libraries."""
        if stop_at_writes and not syscalls.available():
            not_graded("this check needs Linux 5.0 or later with libseccomp")
        try:
            spawned = self.sandbox.spawn(stop_at_writes=stop_at_writes)
        except SandboxDied as death:
            raise Failed(self._why_dead(death)) from None
        process = Process(self, spawned, len(self._processes) + 1)
        self._processes.append(process)
        return process

    def start(self, function: str, /, *args: Any, **kwargs: Any) -> Run:
        """Begin a call of `module.function` in a new process."""
        return self.process().start(function, *args, **kwargs)

    def processes(self) -> list[ProcessInfo]:
        """Every process of the student's that is left, without those of `process()`."""
        own = {process.pid for process in self._processes}
        return [info for info in self.sandbox.processes() if info.pid not in own]

    def connect(self, port: int, host: str = "localhost") -> socket.socket:
        """A connection to a server of the student's.

        Raises:
            ConnectionRefusedError: nothing listens there.
        """
        try:
            return self.sandbox.connect(host, port)
        except SandboxDied as death:
            raise Failed(self._why_dead(death)) from None

    def close(self) -> None:
        """End every process that the test started, and what those left."""
        for process in self._processes:
            process.kill()
        with contextlib.suppress(Exception):
            for info in self.sandbox.processes():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(info.pid, 9)

    def unusable(self, module: str) -> str | None:
        """Why no call into `module` can be made, or None."""
        return self._lab.broken_modules.get(module)

    def found_unusable(self, module: str, reason: str) -> None:
        """Remember that `module` cannot be used, so that no later test waits for it."""
        self._lab.broken_modules[module] = reason

    def _why_dead(self, death: SandboxDied) -> str:
        if self.sandbox.output.flooded:
            limit = self.sandbox.setup.limits.output_kb
            return f"the program printed more than {limit} KB and was stopped"
        return f"the program ended the sandbox that it ran in ({death})"


class Process:
    """One process of the student's. Calls are made one after the other."""

    def __init__(self, consumer: Consumer, spawned: Spawned, number: int) -> None:
        self.consumer = consumer
        self._spawned = spawned
        self._lines = wire.LineReader(spawned.channel)
        self._number = number
        self._killed = False

    @property
    def pid(self) -> int:
        """Its id as seen from outside the sandbox."""
        return self._spawned.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        if self._killed:
            return False
        if self._spawned.pidfd is not None:
            return not select.select([self._spawned.pidfd], [], [], 0)[0]
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

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
        self._begin("inside.worker.keep", (value,), {}, keep=name).returned()

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._killed:
            return
        self._killed = True
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, 9)
        if self._spawned.pidfd is not None:
            select.select([self._spawned.pidfd], [], [], self.consumer.seconds)
            os.close(self._spawned.pidfd)
        if self._spawned.write_listener is not None:
            os.close(self._spawned.write_listener)
        self._spawned.channel.close()

    def note(self, who: str, what: str) -> None:
        """Add to the test's log."""
        self.consumer.log.add(who if who == "suite" else f"process {self._number}", what)

    def _begin(
        self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any], keep: str
    ) -> Run:
        module = function.partition(".")[0]
        if reason := self.consumer.unusable(module):
            raise Unusable(reason)
        words = [_argument(a) for a in args if not isinstance(a, wire.Callback)]
        words += [
            f"{k}={_argument(v)}" for k, v in kwargs.items() if not isinstance(v, wire.Callback)
        ]
        if not keep:
            self.note("suite", f"starts {function}({', '.join(words)}) in process {self._number}")
        run = Run(self, function)
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

    def receive(self, doing: str) -> dict[str, Any] | Write:
        """The next message, or the write that the process is held before.

        Raises:
            Failed: none came in time, the process ended, or it sent something else.
        """
        waits = 0.0
        channel, listener = self._spawned.channel, self._spawned.write_listener
        watched = [fd for fd in (channel.fileno(), listener) if fd is not None]
        try:
            while (line := self._lines.pop()) is None:
                ready = select.select(watched, [], [], _SLICE)[0]
                # A message was sent before the write that is held now: it comes first.
                if channel.fileno() in ready:
                    if not self._lines.fill():
                        raise Failed(self._why_ended(doing))
                elif listener is not None and ready:
                    if (write := self._held_write(listener)) is not None:
                        return write
                    watched.remove(listener)
                else:
                    waits += _SLICE
                    if waits >= self.consumer.seconds:
                        raise Failed(
                            f"{doing} did not go on for {self.consumer.seconds} s: it hangs"
                        )
            return wire.load(line)
        except wire.WireError as error:
            raise Failed(f"{doing} sent something that is no message: {error}") from None

    def waiting(self, seconds: float) -> bool:
        """Whether nothing comes within `seconds`."""
        return (
            not self._lines.has_line()
            and not select.select([self._spawned.channel], [], [], seconds)[0]
        )

    def answer(self, message: dict[str, Any]) -> None:
        """Answer a callback."""
        with contextlib.suppress(OSError):  # the process died; the next step tells
            self._spawned.channel.sendall(wire.dump(message))

    def let_write(self) -> None:
        """Let the held system call happen."""
        assert self._spawned.write_listener is not None
        with contextlib.suppress(OSError):  # the process died; the next step tells
            syscalls.let_go_on(self._spawned.write_listener, self._held)

    def _held_write(self, listener: int) -> Write | None:
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        if not any(event & select.POLLIN for _, event in poll.poll(0)):
            return None  # the process is gone; its channel says so next
        try:
            self._held, name = syscalls.receive(listener)
        except OSError:
            return None
        return Write(name)

    def _why_ended(self, doing: str) -> str:
        if self._spawned.output.flooded:
            limit = self.consumer.sandbox.setup.limits.output_kb
            return f"{doing} printed more than {limit} KB and was stopped"
        return f"{doing} ended its own process (os._exit, a signal, or out of memory)"


class Run:
    """One call under way."""

    def __init__(self, process: Process, function: str) -> None:
        self.process = process
        self.function = function
        self._module, _, self._name = function.partition(".")
        self._step: Step | None = None
        self._over = False
        self.value: Any = None
        """What it returned; set by `returned` and `drain`."""

    def __repr__(self) -> str:
        return f"{self._name}()"

    def send(self, request: dict[str, Any]) -> None:
        """Ask the worker for the call."""
        self.process.answer(request)

    def wait_until_loaded(self) -> None:
        """The module has been imported and the function found.

        Raises:
            Failed: it could not; every later call into the module fails at once.
        """
        file = f"{self._module}.py"
        try:
            message = self.process.receive(f"importing {file}")
            while isinstance(message, Write):
                self.process.let_write()
                message = self.process.receive(f"importing {file}")
        except Failed as failure:
            self.process.consumer.found_unusable(self._module, str(failure))
            raise Unusable(str(failure)) from None
        if message.get("type") == "load_failed":
            reason = f"{file} could not be imported: {_text(message, 'reason')}"
            self.process.consumer.found_unusable(self._module, reason)
            raise Unusable(reason)
        if message.get("type") == "unfit":
            raise Unusable(_text(message, "reason"))

    def next(self) -> Step:
        """Wait for the next step.

        Raises:
            Failed: none came within the limit of course.toml, or the process ended.
        """
        if self._over:
            assert self._step is not None
            raise Failed(f"expected {self} to go on; {in_words(self._step, 'it')}")
        message = self.process.receive(repr(self))
        self._step = step = message if isinstance(message, Write) else self._read(message)
        self._over = isinstance(step, Returned | Raised)
        if self.function != "inside.worker.keep":
            self.process.note("student", in_words(step, repr(self)))
        return step

    def _read(self, message: dict[str, Any]) -> Step:
        match message.get("type"):
            case "handle":
                return Handle(wire.decode(message.get("event")))
            case "ready":
                return Ready()
            case "sleep":
                return Sleep(wire.decode(message.get("seconds")))
            case "returned":
                return Returned(wire.decode(message.get("value")))
            case "raised":
                bases = message.get("bases")
                names = tuple(str(b) for b in bases) if isinstance(bases, list) else ()
                if message.get("error") == "NotImplementedError":
                    raise Unusable(f"{self} is not filled in yet: {_text(message, 'reason')}")
                return Raised(_text(message, "error"), names, _text(message, "reason"))
            case "late":
                raise Failed(f"{self} called {_text(message, 'callback')}() after it had returned")
            case "load_failed" | "unfit":
                raise Unusable(_text(message, "reason"))
            case "build_failed":
                # Where it is the service's fault, the plugin finds out before it blames anybody.
                reason = _text(message, "reason")
                raise Failed(f"what {self} is called with could not be made: {reason}")
        raise Failed(f"{self} sent a message of an unknown kind")

    def next_event(self) -> Any:
        """The event of the next step, which must be a handle(event).

        Raises:
            Failed: the next step is another one.
        """
        step = self.next()
        if isinstance(step, Handle):
            return step.event
        raise Failed(f"expected {self} to call handle() for the next event; {in_words(step, 'it')}")

    def handled(self) -> None:
        """Let the callback that it stands in return."""
        if isinstance(self._step, Write):
            self.process.let_write()
            return
        if isinstance(self._step, Handle):
            self.process.note("suite", "lets handle() return")
        self.process.answer({})

    go_on = handled

    def fails(self, exception: str = "HandlerError") -> None:
        """Let handle raise: HandlerError, or a builtin exception by name."""
        self.process.note("suite", f"lets handle() raise {exception}")
        self.process.answer({"raise": exception})

    def kill(self) -> None:
        """SIGKILL, and wait until the process is gone."""
        self.process.note("suite", "kills the process (SIGKILL)")
        self.process.kill()

    def returned(self) -> Any:
        """The value that it returns; the next step must be that.

        Raises:
            Failed: the next step is another one.
        """
        step = self.next()
        if isinstance(step, Returned):
            self.value = step.value
            return step.value
        raise Failed(f"expected {self} to return; {in_words(step, 'it')}")

    def raised(self) -> Raised:
        """The exception that leaves it; the next step must be that.

        Raises:
            Failed: the next step is another one.
        """
        step = self.next()
        if isinstance(step, Raised):
            return step
        raise Failed(f"expected an exception to leave {self}; {in_words(step, 'it')}")

    def drain(self, on_step: Callable[[Step], None] | None = None) -> list[Any]:
        """Say yes to every step until it returns; the events handled.

        `on_step` is called with each step before it is answered.

        Raises:
            Failed: an exception left it.
        """
        events: list[Any] = []
        while True:
            step = self.next()
            if on_step is not None:
                on_step(step)
            match step:
                case Returned(value):
                    self.value = value
                    return events
                case Raised():
                    raise Failed(f"expected {self} to return; {in_words(step, 'it')}")
                case Handle(event):
                    events.append(event)
            self.go_on()

    def waiting(self, seconds: float) -> bool:
        """Whether no step comes within `seconds`."""
        return self.process.waiting(seconds)


def _text(message: dict[str, Any], key: str) -> str:
    """A string of the student's process, cut to a length that a report can bear."""
    return str(message.get(key, ""))[:600]


def _argument(value: Any) -> str:
    """An argument for the log; an object that is made in the worker by what makes it."""
    match value:
        case wire.New(function):
            return f"{function}(...)"
        case wire.Method(_, name):
            return f".{name}(...)"
        case wire.Kept(name):
            return name
    return shorten(value)
