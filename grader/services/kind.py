"""What the course knows of a kind of service: one class for each, over which all else iterates.

A kind is named in course.toml: one of the course's own by its name, `redis`; another's by where it
lies, `package.module:Class`, as entry points are written. Its module is imported where it is asked
for, so it imports no client and no server at its top.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ClassVar, NamedTuple

from grader.services.base import Service

ServiceFactory = Callable[[], Service]
Details = dict[str, str | int]
"""What else there is to know of a running server: a `note` for people, and more."""


class Call(NamedTuple):
    """A call of a library's function: `module.function(*args, **kwargs)`."""

    module: str
    function: str
    args: list[Any]
    kwargs: dict[str, Any]


class ServiceKind(ABC):
    """A kind of service; has no state, so that one object serves everybody."""

    name: ClassVar[str]
    """What suites, commands and reports call it."""
    title: ClassVar[str]
    """What people call it."""
    port: ClassVar[int]
    """The port of the lessons; inside a sandbox the service answers there."""
    scheme: ClassVar[str]
    """Of the URL by which clients find it."""
    clients: ClassVar[tuple[str, ...]] = ()
    """Modules with which students talk to it; imported before the first of their processes."""
    first_call: ClassVar[Call | None] = None
    """What a client does slowly once and then has ready; done before their processes begin."""
    stand_in: ClassVar[str] = ""
    """The module that public tests import in its place or to reach it; slow to import, or empty."""
    packages: ClassVar[tuple[str, ...]] = ()
    """Debian packages that grading needs for it."""

    @abstractmethod
    def prepare(self) -> AbstractContextManager[ServiceFactory]:
        """Get ready for a run; the context is what makes the service of one submission.

        It is entered before the first fork: what it imports, the forked processes have. A slow
        server begins to start here; who first asks for a service waits for it.
        """

    @abstractmethod
    def look(self) -> str:
        """Say what a run would use, for `grader doctor`.

        Raises:
            GraderError: there is nothing; its help says how to get it.
        """

    @abstractmethod
    def demo(self, port: int, order: str) -> AbstractContextManager[Details]:
        """Serve the demos on `port` of 127.0.0.1; in a process of its own.

        Args:
            port: it is free.
            order: what `demo_order` returned.
        """

    def demo_order(self) -> str:
        """Decide what `demo` is to start, in the command's own process, which can tell of faults.

        Raises:
            ServiceError: the machine has nothing to start.
        """
        return ""

    def sweep(self) -> None:  # noqa: B027 - most leave nothing
        """Remove what servers of killed processes left."""
