"""A service's container: it ends with this process, and its reason is kept where it does not start.

Source: docs.docker.com/reference/cli/docker/container/run.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import IO

from grader.errors import ServiceError
from grader.host.identity import die_with_parent
from grader.host.interrupts import held
from grader.services.docker_engine import owned, published, remove

_TRIES = 2
"""What ends once while it starts may have met a port that was taken, or an engine that was busy."""
_TOLD = 600
"""Characters of what it printed, in a message."""


class Container:
    """One `docker run` of an image."""

    def __init__(self, kind: str, image: str, seconds: float) -> None:
        """Describe a container of `image`, named after `kind`, with `seconds` to start."""
        self._kind, self._image, self._seconds = kind, image, seconds
        self._arguments: Sequence[str] = ()
        self._environment: Mapping[str, str] = {}
        self._name = ""
        self._tries = 0
        self._deadline = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self.command: list[str] = []

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Begin to start it.

        Args:
            arguments: of `docker run`, after those that all have.
            environment: what docker passes on, where `--env` names it without a value: no process
                list shows it then.

        Raises:
            ServiceError: docker cannot be run.
        """
        self.stop()
        self._arguments, self._environment = arguments, environment
        self._tries = _TRIES
        self._run()

    def _run(self) -> None:
        self.stop()
        self._tries -= 1
        options = owned(self._kind)
        self._name = options[options.index("--name") + 1]
        self.command = ["docker", "run", *options, *self._arguments]
        self._deadline = time.monotonic() + self._seconds
        try:
            self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
            with held():
                self._process = subprocess.Popen(  # noqa: S603 - our own command
                    self.command,
                    env={**os.environ, **self._environment},
                    stdin=subprocess.DEVNULL,
                    stdout=self._output,
                    stderr=self._output,
                    start_new_session=True,
                    preexec_fn=die_with_parent,  # noqa: PLW1509 - one system call
                )
        except OSError as error:
            self.stop()
            raise ServiceError(f"docker cannot be run: {error.strerror}") from None

    def check_starting(self) -> None:
        """Find out whether it may still come to serve; one that ended is started again, once.

        Raises:
            ServiceError: it ended again, or takes too long.
        """
        if not self.alive:
            if self._tries:
                self._run()
                return
            raise ServiceError(
                f"the container of {self._image} ended while it started: {self._said()}",
                f"Run `{' '.join(self.command)}` to see all that it says.",
            )
        if time.monotonic() > self._deadline:
            raise ServiceError(f"{self._image} did not answer within {self._seconds:g} s")

    def _said(self) -> str:
        """Return the last of what docker and the server printed, on one line."""
        if self._output is None:
            return "it printed nothing"
        self._output.seek(max(0, self._output.seek(0, os.SEEK_END) - 4 * _TOLD))
        text = self._output.read().decode(errors="replace")
        return " ".join(text.split())[-_TOLD:] or "it printed nothing"

    def port(self, inside: int) -> int:
        """Return the port outside, 0 as long as the container does not run."""
        return published(self._name, inside)

    @property
    def alive(self) -> bool:
        """Tell whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def ended(self, within: float) -> bool:
        """Tell whether it has ended, or does within that many seconds."""
        if self._process is None:
            return True
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def join(self) -> None:
        """Wait until it ends."""
        if self._process is not None:
            self._process.wait()

    def stop(self) -> None:
        """End it at once and remove it. May be called twice."""
        if self._process is not None:
            remove(self._name)
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._output is not None:
            self._output.close()
            self._output = None
