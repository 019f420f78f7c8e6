"""Base class of the servers that techniques are measured on."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import ExitStack
from typing import ClassVar

from grader.errors import GraderError
from grader.services.rabbitmq.private import PrivateNode


class Server(ABC):
    """The server of one kind of service, for one comparison."""

    variable: ClassVar[str] = ""
    """The environment's variable that names somebody's own; empty: none does."""
    settings: ClassVar[Mapping[str, object]] = {}
    """What its places have besides the URL, where it is one of ours."""

    def __init__(self, service: str, stack: ExitStack) -> None:
        """Take the kind's name in course.toml, and the stack that ends what is started."""
        self.service = service
        self.stack = stack
        self.url = ""
        self.behind = ""
        """What it is, in words; those of a stand-in begin with `simulated`."""
        self.ours = True
        """False for somebody's own."""

    @classmethod
    def named(cls, *, real: bool) -> str:
        """Return the URL of somebody's own, where it is to be used; `real`: it was asked for."""
        return os.environ.get(cls.variable, "") if real else ""

    @classmethod
    def can_be_real(cls) -> bool:
        """Tell whether a real one can be had here."""
        return bool(cls.named(real=True))

    def begin(self, *, real: bool) -> None:
        """Start it, or look at somebody's own; it need not serve yet.

        Raises:
            ServiceError: this machine has none.
            GraderError: somebody's own was asked for, and does not answer.
        """
        self.url = self.named(real=real)
        if not self.url:
            self.start()
            return
        self.ours = False
        try:
            self.behind = f"real: {self.describe()}"
        except Exception as error:  # noqa: BLE001 - whatever the client raises
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise GraderError(
                f"{self.variable} names a server that does not answer: {reason}",
                "Start it, or unset the variable, or leave out --real.",
            ) from None

    @abstractmethod
    def start(self) -> None:
        """Start one of ours; sets `url` and `behind`, here or in `finish`.

        Raises:
            ServiceError: this machine has none.
        """

    @abstractmethod
    def describe(self) -> str:
        """Ask the server at `url` for its name and version; raises what its client raises."""

    def finish(self) -> None:  # noqa: B027 - most serve when they have begun
        """Wait until it serves.

        Raises:
            ServiceError: one of ours did not start.
            GraderError: somebody's own does not answer.
        """

    @property
    def restartable(self) -> PrivateNode | None:
        """The broker that may be killed and started again, or None."""
        return None
