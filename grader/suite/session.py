"""One submission of one exercise while it is graded: its sandbox and the services behind it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from grader.course import Exercise
from grader.errors import ServiceError
from grader.sandbox.base import Sandbox
from grader.sandbox.cgroup import Kills
from grader.services.base import Service
from grader.services.catalog import service_kinds
from grader.services.gate import Gate
from grader.services.kind import ServiceFactory
from grader.suite.crowded import Crowd
from grader.suite.imports import Imports

_BETWEEN = 1.0
_LITTLE = 5
"""Seconds without a service that change no verdict about the time of all checks."""
_MOST_LOST = 60
"""Seconds that a submission waits, all in all, for services that do not serve."""


class Session:
    """Starts what a submission needs when it is first needed, and ends it."""

    def __init__(
        self,
        exercise: Exercise,
        new_sandbox: Callable[[], Sandbox],
        services: Mapping[str, ServiceFactory],
        broken_modules: Mapping[str, str],
        *,
        waits_once: bool = False,
    ) -> None:
        self.exercise = exercise
        self.broken_modules = dict(broken_modules)
        self.imports = Imports()
        self.hung_in: set[tuple[str, str]] = set()
        """The functions, each after its file, in which a process hung."""
        self.waits_once = waits_once
        """Whether what hangs again in one of them is not waited for: a learner's own code."""
        self._printed_before = 0
        self._new_sandbox = new_sandbox
        self._factories = services
        self._ports = {kind.name: kind.port for kind in service_kinds(exercise.services)}
        self.gate = Gate()
        """What crosses the services, in one order."""
        self._services: dict[str, Service] = {}
        self._missing: dict[str, ServiceError] = {}
        self._sandbox: Sandbox | None = None
        self.observe: Callable[[str, str], None] = lambda name, what: None  # noqa: ARG005
        """Told a service's name and what goes over it; the test at hand has it in its log."""
        self._others: list[Session] = []
        self.spared: set[int] = set()
        """Processes that no kill and no end of another run ends; see grader.suite.beside."""
        self.output = ""
        """The end of what the student's code printed."""
        self._lost = 0.0
        """Seconds for which a service did not serve while the submission waited for it."""
        self._starting: dict[str, float] = {}
        """Since when the suite waits for services that begin to serve."""
        self._started: dict[str, float] = {}
        """Seconds that it waited for each."""
        self._unwell: dict[str, float] = {}
        """Seconds for which one did not serve, of the test at hand, by service."""
        self._unwell_before: dict[str, float] = {}
        """The same of the tests before it."""
        self._refused_before: dict[str, int] = {}
        """How often each service had refused something when the test at hand began."""
        self._asked = 0.0
        self._kills = Kills(0)
        self._ended_for_memory: Kills | None = None
        self._broken_before = dict(self.broken_modules)
        self._crowd = Crowd()

    def sandbox(self) -> Sandbox:
        """Return the running sandbox; a new one when the student's code ended the last."""
        if self._sandbox is not None and self._sandbox.alive:
            return self._sandbox
        self._look_at_memory()
        self._end()
        sandbox = self._new_sandbox()
        try:
            sandbox.start()
        except BaseException:
            sandbox.close()
            raise
        self._sandbox = sandbox
        self._printed_before = 0
        self._kills = sandbox.memory_kills()
        return sandbox

    def another(self) -> Session:
        """Make a session with a sandbox and services of its own, which ends with this one.

        What runs beside the tests has one: a kill, or a test's end, is none of its affairs, and it
        can do nothing for what was killed.
        """
        made = Session(
            self.exercise,
            self._new_sandbox,
            self._factories,
            self.broken_modules,
            waits_once=self.waits_once,
        )

        def observe(name: str, what: str) -> None:
            self.observe(name, what)  # of the test at hand: it changes

        made.observe = observe
        self._others.append(made)
        return made

    def service(self, name: str) -> Service:
        """Return the service of that name, attached to the sandbox.

        Raises:
            ServiceError: the machine lacks it.
        """
        if name in self._missing:
            raise self._missing[name]
        sandbox = self.sandbox()
        if name not in self._services:
            begin = self._starting[name] = time.monotonic()
            try:
                service = self._factories[name]()
            except ServiceError as error:
                self._missing[name] = error
                raise
            finally:
                del self._starting[name]
                took = time.monotonic() - begin
                if took > _BETWEEN:
                    self._started[name] = self._started.get(name, 0.0) + took
            listener, port = sandbox.listeners[self._ports[name]]
            service.observer = lambda what: self.observe(name, what)
            service.gate = self.gate
            service.attach(listener.dup(), port)
            self._services[name] = service
        return self._services[name]

    @property
    def lost(self) -> float:
        """Seconds for which the submission could do nothing, as a service did not serve."""
        now = time.monotonic()
        waits = sum(now - begin for begin in self._starting.values())
        slow = sum(service.lost for service in self._services.values())
        others = sum(other.lost for other in self._others)
        return self._lost + waits + sum(self._started.values()) + slow + others

    @property
    def taken(self) -> float:
        """Seconds for which the submission could do nothing, as others had the processors."""
        return self._crowd.taken

    def missing(self, name: str) -> ServiceError | None:
        """Return why `service(name)` cannot be had, when that was found out."""
        return self._missing.get(name)

    def check_services(self) -> None:
        """Prove that the services in use still work.

        Raises:
            ServiceError: one does not.
        """
        for service in self._services.values():
            service.check()
        for other in self._others:
            other.check_services()

    def broken_services(self) -> list[Service]:
        """Return the services in use that do not work now."""
        broken = []
        for service in self._services.values():
            try:
                service.check()
            except ServiceError:
                broken.append(service)
        for other in self._others:
            broken += other.broken_services()
        return broken

    def serves(self) -> bool:
        """Tell whether the services in use serve, asked every _BETWEEN seconds; see Service.serves.

        The time for which one does not is counted. After _MOST_LOST seconds of it the submission
        gets no more time, and what it does not do then is no failure either.
        """
        begin = time.monotonic()
        if begin - self._asked < _BETWEEN:
            return True
        for name, service in self._services.items():
            served = service.serves()
            waited = time.monotonic() - begin
            if not served or waited > _BETWEEN:
                self._unwell[name] = self._unwell.get(name, 0.0) + waited + _BETWEEN
                self._asked = time.monotonic()
                if self._lost > _MOST_LOST:
                    return True
                self._lost += waited + _BETWEEN
                return False
        self._asked = time.monotonic()
        return True

    def begin(self) -> None:
        """Begin a test: what disturbed those before it is not its affair."""
        for name, seconds in self._unwell.items():
            self._unwell_before[name] = self._unwell_before.get(name, 0.0) + seconds
        self._unwell.clear()
        for session in (self, *self._others):
            session.pass_over_refusals()
        self._ended_for_memory = None
        self._broken_before = dict(self.broken_modules)
        if self._sandbox is not None:
            self._kills = self._sandbox.memory_kills()
            self._printed_before = self._sandbox.output.kept

    def printed(self) -> str:
        """Return the end of what the student's code printed since `begin`."""
        return self._sandbox.output.since(self._printed_before) if self._sandbox is not None else ""

    def disturbance(self) -> str:
        """Return why what was seen since `begin` says nothing of the student, or empty."""
        self._look_at_memory()
        if self._ended_for_memory is not None and not self._ended_for_memory.own_limit:
            return "the machine ran out of memory, and the system ended processes"
        for name, seconds in self._unwell.items():
            return f"{name} did not serve for {seconds:.0f} s"
        return self._sandbox.disturbance() if self._sandbox is not None else ""

    def lost_in_all(self) -> str:
        """Return why the time of all checks says nothing of the student, or empty."""
        for name in {**self._unwell_before, **self._unwell}:
            seconds = self._unwell_before.get(name, 0.0) + self._unwell.get(name, 0.0)
            if seconds > _LITTLE:
                return f"{name} did not serve for {seconds:.0f} s of all checks' time"
        return self._crowd.excuse()

    def forget(self) -> None:
        """Take back what was found out about the modules since `begin`."""
        self.broken_modules = dict(self._broken_before)

    @property
    def memory_mb(self) -> int:
        """That limit."""
        return self._sandbox.setup.limits.memory_mb if self._sandbox is not None else 0

    @property
    def over_memory(self) -> bool:
        """Tell whether the submission's own limit for memory was reached since `begin`."""
        self._look_at_memory()
        return self._ended_for_memory is not None and self._ended_for_memory.own_limit

    def _look_at_memory(self) -> None:
        if self._sandbox is not None:
            kills = self._sandbox.memory_kills()
            if kills.more_than(self._kills):
                self._ended_for_memory = kills

    @property
    def whole(self) -> bool:
        """Tell whether nobody has taken the sandbox's files away, as a clean-up of /tmp might."""
        own = self._sandbox is None or self._sandbox.whole
        return own and all(other.whole for other in self._others)

    def pass_over_refusals(self) -> None:
        """Let `refusal` tell only what is refused from now on."""
        self._refused_before = {name: len(each.refusals) for name, each in self._services.items()}

    def refusal(self) -> str:
        """Return what the submission asked for since `begin` that is not offered, as a clause."""
        for name, each in self._services.items():
            if since := each.refusals[self._refused_before.get(name, 0) :]:
                return since[0]
        return next((why for other in self._others if (why := other.refusal())), "")

    def exceeded(self) -> str:
        """Return what the submission did more of than it may, as a clause; "" when it did not."""
        own = (
            each.why_exceeded or f"sent more to {name} than any exercise needs"
            for name, each in self._services.items()
            if each.exceeded
        )
        return next(own, "") or next((why for o in self._others if (why := o.exceeded())), "")

    def clear(self) -> None:
        """Empty the folders, so that no test finds what another left; nothing runs any more.

        A sandbox in which that does not work is ended; the next test gets another.
        """
        if self._sandbox is not None and self._sandbox.alive:
            self._sandbox.stream.clear()
            if not self._sandbox.state.clear():
                self._sandbox.kill()

    def close(self) -> None:
        """End the sandbox and the services, and those of sessions made by `another`."""
        for other in self._others:
            other.close()
        self._others.clear()
        self._end()

    def _end(self) -> None:
        for name, service in self._services.items():
            self._started[name] = self._started.get(name, 0.0) + service.lost
            service.close()
        self._services.clear()
        if self._sandbox is not None:
            sandbox, self._sandbox = self._sandbox, None
            sandbox.close()
            said = [each for each in (sandbox.output.tail, sandbox.output.note) if each]
            self.output = "\n".join(said) or self.output
