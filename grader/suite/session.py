"""One submission of one exercise while it is graded: its sandbox and the services behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from grader.course import Exercise
from grader.errors import ServiceError
from grader.sandbox.base import Sandbox
from grader.services.base import Service
from grader.suite.imports import Imports

ServiceFactory = Callable[[], Service]


class Session:
    """Starts what a submission needs when it is first needed, and ends it."""

    def __init__(
        self,
        exercise: Exercise,
        new_sandbox: Callable[[], Sandbox],
        services: Mapping[str, ServiceFactory],
        broken_modules: Mapping[str, str],
    ) -> None:
        self.exercise = exercise
        self.broken_modules = dict(broken_modules)
        self.imports = Imports()
        self._new_sandbox = new_sandbox
        self._factories = services
        self._services: dict[str, Service] = {}
        self._missing: dict[str, ServiceError] = {}
        self._sandbox: Sandbox | None = None
        self.observe: Callable[[str, str], None] = lambda name, what: None  # noqa: ARG005
        """Told a service's name and what goes over it; the test at hand has it in its log."""
        self.output = ""
        """The end of what the student's code printed."""

    def sandbox(self) -> Sandbox:
        """The running sandbox; a new one when the student's code ended the last."""
        if self._sandbox is not None and self._sandbox.alive:
            return self._sandbox
        self.close()
        sandbox = self._new_sandbox()
        try:
            sandbox.start()
        except BaseException:
            sandbox.close()
            raise
        self._sandbox = sandbox
        return sandbox

    def service(self, name: str) -> Service:
        """The service of that name, attached to the sandbox.

        Raises:
            ServiceError: the machine lacks it.
        """
        if name in self._missing:
            raise self._missing[name]
        sandbox = self.sandbox()
        if name not in self._services:
            try:
                service = self._factories[name]()
            except ServiceError as error:
                self._missing[name] = error
                raise
            listener, port = sandbox.listeners[service.well_known_port]
            service.observer = lambda what: self.observe(name, what)
            service.attach(listener.dup(), port)
            self._services[name] = service
        return self._services[name]

    def missing(self, name: str) -> ServiceError | None:
        """Why `service(name)` cannot be had, when that was found out."""
        return self._missing.get(name)

    def check_services(self) -> None:
        """Prove that the services in use still work.

        Raises:
            ServiceError: one does not.
        """
        for service in self._services.values():
            service.check()

    @property
    def whole(self) -> bool:
        """Whether nobody has taken the sandbox's files away, as a clean-up of /tmp might."""
        return self._sandbox is None or self._sandbox.whole

    def exceeded(self) -> str:
        """The service that the submission sent more to than it may; empty when there is none."""
        return next((name for name, each in self._services.items() if each.exceeded), "")

    def clear(self) -> None:
        """End what still runs and empty the folders, so that no test finds what another left.

        A sandbox in which that does not work is ended; the next test gets another.
        """
        if self._sandbox is not None and self._sandbox.alive:
            self._sandbox.end_strays()
        if self._sandbox is not None and self._sandbox.alive:
            self._sandbox.stream.clear()
            if not self._sandbox.state.clear():
                self._sandbox.kill()

    def close(self) -> None:
        """End the sandbox and the services."""
        for service in self._services.values():
            service.close()
        self._services.clear()
        if self._sandbox is not None:
            sandbox, self._sandbox = self._sandbox, None
            sandbox.close()
            self.output = sandbox.output.tail or self.output
