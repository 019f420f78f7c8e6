"""The least that a Consumer needs, for tests of sandboxes."""

from __future__ import annotations

from grader.sandbox.base import Sandbox
from grader.suite.imports import Imports


class Lab:
    """A running sandbox, and no module that was found broken."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.broken_modules: dict[str, str] = {}
        self.imports = Imports()

    def sandbox(self) -> Sandbox:
        """The same one each time."""
        return self._sandbox
