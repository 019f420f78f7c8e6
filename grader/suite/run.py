"""One call of a student's function, step by step."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from grader.report import HOSTILE, Kind
from grader.suite.callee import Callee, HasFileno, ReachedError
from grader.suite.outcomes import Failed, Hangs, OutOfTime, Unusable
from grader.suite.place import CodePlace
from grader.suite.reading import step_of, text_of
from grader.suite.steps import (
    Handle,
    Raised,
    Ready,
    Returned,
    Sleep,
    Step,
    Stop,
    Write,
    in_words,
)
from grader.suite.stillness import Stillness
from grader.worker import importing, wire


class Run:
    """One call under way."""

    def __init__(self, process: Callee, function: str) -> None:
        self.process = process
        self.function = function
        self._module, _, self._name = function.partition(".")
        self.arguments: tuple[Any, ...] = ()
        """What it is called with, by position and by name."""
        self._step: Step | None = None
        self._handled = 0
        self._over = False
        self._at_liberty = False
        self.value: Any = None
        """What it returned; set by `returned` and `drain`."""
        self.passes_over: tuple[type[Step], ...] = ()
        """Kinds of steps after which it goes on at once: nobody waits for them; see `next`."""

    def __repr__(self) -> str:
        return f"{self._name}()"

    @property
    def over(self) -> bool:
        """Tell whether it has returned or raised."""
        return self._over

    def send(self, request: dict[str, Any]) -> None:
        """Ask the worker for the call."""
        self.process.answer(request)

    def wait_until_loaded(self) -> None:
        """Wait until the module has been imported and the function found.

        Raises:
            Failed: it could not; after an import that failed, every later call fails at once.
        """
        file = f"{self._module}.py"
        if self._module in self.process.loaded or file not in self.process.case.files:
            message = self._beyond_writes(repr(self))
        else:
            message = self._imported(file)
            self.process.loaded.add(self._module)
        if message.get("type") in ("load_failed", "unfit"):
            raise Unusable(text_of(message, "reason"))

    def _imported(self, file: str) -> dict[str, Any]:
        """Receive what the process says after it imported the module.

        Raises:
            Unusable: it could not be imported.
        """
        case = self.process.case
        reason, kind = "", Kind.NOT_IMPORTABLE
        message: dict[str, Any] = {}
        try:
            with case.timed_import(self._module):
                message = self._beyond_writes(f"importing {file}")
        except OutOfTime:
            raise
        except Hangs as hangs:
            line = hangs.line if hangs.place and hangs.place.file == file else 0
            reason = importing.endless(file, case.seconds, line)
        except Failed as failure:
            reason = f"{failure}; {importing.MAIN_GUARD}"
            kind = failure.kind if failure.kind in HOSTILE else kind
        if message.get("type") == "load_failed":
            reason = importing.failed(file, text_of(message, "reason"))
            missing = (why for name, why in case.broken.items() if f"'{name}'" in reason)
            reason = "; ".join([reason, *missing])
        if reason:
            case.found_unusable(self._module, reason)
            raise Unusable(reason, kind)
        return message

    def _beyond_writes(self, doing: str) -> dict[str, Any]:
        """Receive the next message, and let every write before it happen."""
        while isinstance(message := self.process.receive(doing), Write):
            self.process.let_write()
        return message

    def next(self, wanted: str = "", *, every: bool = False) -> Step:
        """Wait for the next step; `wanted` says in words which one is due, if not any.

        With `every`, also for one of those that it passes over.

        Raises:
            Failed: none came within the limit of course.toml, or the process ended.
        """
        while isinstance(step := self._next(wanted, None), self.passes_over) and not every:
            self.go_on()
        return step

    def next_before(self, halt: HasFileno, wanted: str = "") -> Step | None:
        """Wait for the next step; None when `halt` can be read from before one has come.

        Raises:
            Failed: neither came within the limit of course.toml, or the process ended.
        """
        try:
            return self._next(wanted, halt)
        except ReachedError:
            return None

    def next_unless_still(self) -> Step | None:
        """Wait for the next step; None when all its threads came to sleep before one has come.

        For what waits for somebody else, such as an answer that is held back: it takes some
        hundredths of a second, whatever the load, and five seconds at most.
        """
        with Stillness(self.process.pid) as stillness:
            return self.next_before(stillness)

    def _next(self, wanted: str, before: HasFileno | None) -> Step:
        wanted = wanted or self._anything()
        if self._over:
            assert self._step is not None
            raise self.otherwise(wanted, self._in_words(self._step))
        try:
            message = self.process.receive(repr(self), before)
        except Hangs as hangs:
            did = "did neither" if " or " in wanted else "did not"
            waited = f"for {self.process.case.seconds} s it {did}{self._since()}"
            if hangs.place is not None:
                waited += f". It stood in {hangs.place}{self._advice(hangs.place)}"
            raise self.otherwise(wanted, waited, Kind.HUNG, line=hangs.line) from None
        try:
            step = message if isinstance(message, Write) else step_of(message, repr(self))
        except wire.WireError as error:
            said = f"{self} sent something that is no value: {error}"
            raise Failed(said, Kind.FORGED) from None
        self._step = step
        self._over = isinstance(step, Returned | Raised)
        if self.function != "worker.calls.keep":
            self.process.note("student", in_words(step, repr(self), self.process.case.log.named))
        return step

    def otherwise(
        self, wanted: str, seen: str, kind: Kind | None = None, *, line: int = 0
    ) -> Failed:
        """Return the failure: what the test had set up, what was wanted of the run, what was seen.

        Without a `kind` it is that of the last step.
        """
        if kind is None:
            kind = Kind.CRASHED if isinstance(self._step, Raised) else Kind.UNMET
        scene = self.process.case.scene
        said = f"{scene + ': ' if scene else ''}expected {self} to {wanted}; {seen}"
        return Failed(said, kind, line=line)

    def _in_words(self, step: Step) -> str:
        return in_words(step, "it", self.process.case.log.named)

    def _anything(self) -> str:
        """Say in words what it may do next, by the callbacks that it was given."""
        given = [each.name for each in self.arguments if isinstance(each, wire.Callback)]
        names = ["handle"] if "handle" in given else given
        return " or ".join([*(f"call {name}()" for name in names), "return"])

    def _advice(self, place: CodePlace) -> str:
        """Say what the line is mistaken about, where that is certain."""
        waits_itself = re.search(r"\btime\s*\.\s*sleep\s*\(", place.source)
        if waits_itself and wire.Callback("sleep") in self.arguments:
            return ": call the `sleep` that it was given"
        return ""

    def _since(self) -> str:
        """Return what it had done before, for a sentence."""
        match self._step:
            case Handle():
                return f" after event {self._handled}" if self._handled else " after a failed event"
            case Ready():
                return " after ready()"
            case Sleep():
                return " after sleep()"
            case Stop():
                return " after stop()"
        return ""

    def next_event(self) -> Any:
        """Return the event of the next step, which must be a handle(event).

        Raises:
            Failed: the next step is another one.
        """
        wanted = "call handle() for the next event"
        step = self.next(wanted)
        if isinstance(step, Handle):
            return step.event
        raise self.otherwise(wanted, self._in_words(step))

    def handled(self, value: Any = None) -> None:
        """Let the callback that it stands in return; `handle` returns that value, plain JSON."""
        if isinstance(self._step, Write):
            self.process.let_write()
            return
        if isinstance(self._step, Handle):
            self._handled += 1
            self.process.note("suite", "lets handle() return")
        if not self._at_liberty:
            self.process.answer({} if value is None else {"value": value})

    go_on = handled

    def set_at_liberty(self) -> None:
        """Let the callback that it stands in return, and every later one; they still are steps."""
        if not self._at_liberty:
            self.process.answer({"at_liberty": True})
            self._at_liberty = True

    def stops(self) -> None:
        """Let the stop() that it stands in return True: it should stop."""
        self.process.note("suite", "lets stop() return True")
        self.process.answer({"value": True})

    def fails(self, exception: str = "HandlerError") -> None:
        """Let handle raise: HandlerError, a builtin, or a library's exception by its dotted name.

        grader.suite.exceptions lists those that a consumer may take for its own.
        """
        self.process.note("suite", f"lets handle() raise {exception}")
        self.process.answer({"raise": exception})

    def kill(self) -> None:
        """Send SIGKILL, as a crash of the machine: only what stands in another call lives on.

        What the submission left running ends with it, at once. So does a process with no call
        under way; a later call in it begins in a new one.
        """
        self.process.note("suite", "kills the process (SIGKILL)", kill=True)
        self.process.case.crash(self.process)

    def returned(self) -> Any:
        """Return the value that it returns; the next step must be that.

        Raises:
            Failed: the next step is another one.
        """
        step = self.next("return")
        if isinstance(step, Returned):
            self.value = step.value
            return step.value
        raise self.otherwise("return", self._in_words(step))

    def raised(self) -> Raised:
        """Return the exception that leaves it; the next step must be that.

        Raises:
            Failed: the next step is another one.
        """
        wanted = "let that exception out"
        step = self.next(wanted)
        if isinstance(step, Raised):
            return step
        raise self.otherwise(wanted, self._in_words(step))

    def drain(
        self, on_step: Callable[[Step], None] | None = None, *, into: list[Any] | None = None
    ) -> list[Any]:
        """Say yes to every step until it returns; the events handled.

        `on_step` is called with each step before it is answered. Without it the call does not wait
        for the answers, which would take most of the time. The events are added to `into`, which
        has them also where the run fails.

        Raises:
            Failed: an exception left it.
        """
        events: list[Any] = [] if into is None else into
        waits = on_step is not None or self.process.stops
        while True:
            step = self.next()
            if on_step is not None:
                on_step(step)
            match step:
                case Returned(value):
                    self.value = value
                    return events
                case Raised():
                    raise self.otherwise("return", self._in_words(step))
                case Handle(event):
                    events.append(event)
            if not waits:
                self.set_at_liberty()
            self.go_on()

    def waiting(self, seconds: float) -> bool:
        """Tell whether no step comes within `seconds`."""
        return self.process.waiting(seconds)
