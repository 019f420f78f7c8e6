"""RabbitMQ from the official image, where a Docker engine runs.

Source: hub.docker.com/_/rabbitmq (environment variables), docs.docker.com/reference/cli/docker.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time

from grader.errors import ServiceError
from grader.services.identity import Identity, die_with_parent
from grader.services.rabbitmq_node import Login, Node

IMAGE = "rabbitmq:4.4-management"
"""The same as in docker-compose.yml."""
_START_SECONDS = 120
_OWNER = "stream-course.owner"
"""The label that names the process that started a container: its pid and start time."""


def engine_answers() -> bool:
    """Whether there is a `docker` command and an engine behind it."""
    return shutil.which("docker") is not None and _docker("version", "--format", "ok") is not None


def fetch_image() -> None:
    """Pull the image where it is not there yet; that may take minutes, and shows its progress.

    Raises:
        ServiceError: it cannot be had.
    """
    if _docker("image", "inspect", "--format", "ok", IMAGE) is not None:
        return
    # Its progress goes to standard error: standard output may be a report.
    done = subprocess.run(  # noqa: S603 - our own command
        ["docker", "pull", IMAGE],  # noqa: S607 - wherever docker is
        stdout=2,
        check=False,
    )
    if done.returncode:
        raise ServiceError(
            f"Docker could not pull {IMAGE}",
            "Check the network, or stop Docker so that an installed rabbitmq-server is used.",
        )


class DockerNode(Node):
    """A container of its own, its ports published on loopback alone."""

    def __init__(self, login: Login, *, port: int = 0, management_port: int = 0) -> None:
        self._login = login
        self._wanted = {5672: port, 15672: management_port}
        self._name = ""
        self._deadline = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self.command: list[str] = []

    def spawn(self) -> None:
        """Begin to start it; `ready` tells when it serves."""
        self.stop()
        owner = Identity.of(os.getpid())
        self._name = f"stream-rabbitmq-{owner.pid}-{time.monotonic_ns()}"
        self.command = ["docker", "run", "--rm", "--name", self._name]
        self.command += ["--label", f"{_OWNER}={owner.pid}-{owner.started}"]
        for inside, outside in self._wanted.items():
            self.command += ["--publish", f"127.0.0.1:{outside or ''}:{inside}"]
        # Without a value: docker takes them from its environment, and no process list shows them.
        self.command += ["--env", "RABBITMQ_DEFAULT_USER", "--env", "RABBITMQ_DEFAULT_PASS", IMAGE]
        login = {
            "RABBITMQ_DEFAULT_USER": self._login.username,
            "RABBITMQ_DEFAULT_PASS": self._login.password,
        }
        self._deadline = time.monotonic() + _START_SECONDS
        self.port = self.management_port = 0
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            self.command,
            env={**os.environ, **login},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one system call, and no thread here
        )

    def ready(self) -> bool:
        """Whether it serves."""
        if not self.alive:
            raise ServiceError(
                f"the container of {IMAGE} ended while it started",
                f"Run `{' '.join(self.command)}` to see why.",
            )
        if time.monotonic() > self._deadline:
            raise ServiceError(f"{IMAGE} did not answer within {_START_SECONDS} s")
        if not self.port:
            self.port = self._published(5672)
            self.management_port = self._published(15672)
        return bool(self.port and self.management_port) and self.answers()

    def _published(self, inside: int) -> int:
        """The port outside, 0 as long as the container does not run."""
        said = _docker("port", self._name, f"{inside}/tcp") or ""
        # A line for each address, such as 127.0.0.1:49153.
        port = said.partition("\n")[0].rpartition(":")[2]
        return int(port) if port.isdigit() else 0

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def join(self) -> None:
        """Wait until its process ends."""
        if self._process is not None:
            self._process.wait()

    def stop(self) -> None:
        """End it at once and remove it."""
        if self._process is None:
            return
        _docker("rm", "--force", "--volumes", self._name)
        self._process.kill()
        self._process.wait()
        self._process = None


def sweep_containers() -> None:
    """Remove the containers whose owner was killed."""
    listed = _docker("ps", "--all", "--filter", f"label={_OWNER}", "--format", _ROW) or ""
    for line in listed.splitlines():
        name, _, owner = line.partition(" ")
        with contextlib.suppress(ValueError):
            pid, started = map(int, owner.split("-"))
            if not Identity(pid, started).alive:
                _docker("rm", "--force", "--volumes", name)


_ROW = '{{.Names}} {{.Label "' + _OWNER + '"}}'


def _docker(*arguments: str) -> str | None:
    """What a docker command prints, or None when it fails or the engine does not answer."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(  # noqa: S603 - our own command
            ["docker", *arguments],  # noqa: S607 - as above
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        if done.returncode == 0:
            return done.stdout
    return None
