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
from grader.host.identity import Identity, die_with_parent
from grader.host.state import folder_of_state, state_folder
from grader.services.rabbitmq.node import Login, Node

IMAGE = "rabbitmq:4.4-management"
"""The same as in docker-compose.yml."""
_PULL_SECONDS, _PULL_SECONDS_BESIDE = 600, 60
"""What a pull may take: where nothing else can serve, and where an installed server can."""
_FAILURE = "docker-pull-failed"
_FORGOTTEN_AFTER = 3600
_PULL_YOURSELF = f"Run `docker pull {IMAGE}` where there is a network, or install rabbitmq-server."
_ANSWER_SECONDS = 5.0
_START_SECONDS = 120
_OWNER = "stream-course.owner"
"""The label that names the process that started a container: its pid and start time."""


def engine_answers() -> bool:
    """Tell whether there is a `docker` command and an engine behind it."""
    return not engine_problem()


def engine_problem() -> str:
    """Why no Docker engine can be used here, in a few words; "" where one answers."""
    if shutil.which("docker") is None:
        return "there is no docker command"
    said = _run("version", "--format", "ok", seconds=_ANSWER_SECONDS)
    if said is None:
        return f"the Docker engine gave no answer for {_ANSWER_SECONDS:g} s"
    if said.returncode == 0:
        return ""
    reason = said.stderr.lower()
    if "permission denied" in reason:
        return "the Docker engine does not let this user in"
    return "no Docker engine runs"


def has_image() -> bool:
    """Tell whether the engine has the image, so that nothing need be pulled."""
    return _docker("image", "inspect", "--format", "ok", IMAGE) is not None


def fetch_image(*, alone: bool = True) -> None:
    """Pull the image where it is not there yet; that may take minutes, and shows its progress.

    Args:
        alone: whether nothing else can serve. Else a pull may take a minute, and one that failed
            within the last hour is not tried again.

    Raises:
        ServiceError: it cannot be had.
    """
    if has_image():
        return
    if not alone and (minutes := _minutes_since_failure()) is not None:
        raise ServiceError(f"Docker could not pull {IMAGE} {minutes} min ago", _PULL_YOURSELF)
    seconds = _PULL_SECONDS if alone else _PULL_SECONDS_BESIDE
    problem = f"Docker could not pull {IMAGE}"
    try:
        # Its progress goes to standard error: standard output may be a report.
        done = subprocess.run(  # noqa: S603 - our own command
            ["docker", "pull", IMAGE],  # noqa: S607 - wherever docker is
            stdin=subprocess.DEVNULL,
            stdout=2,
            timeout=seconds,
            check=False,
        )
        if done.returncode == 0:
            return
    except subprocess.TimeoutExpired:
        problem += f" within {seconds:g} s"
    except OSError as error:
        problem = f"docker cannot be run: {error.strerror}"
    with contextlib.suppress(ServiceError, OSError):
        (state_folder() / _FAILURE).touch()
    raise ServiceError(problem, _PULL_YOURSELF)


def _minutes_since_failure() -> int | None:
    """How long ago a pull failed, or None: not within the last hour."""
    try:
        seconds = time.time() - (folder_of_state() / _FAILURE).stat().st_mtime
    except (ServiceError, OSError):
        return None
    return int(seconds // 60) if 0 <= seconds < _FORGOTTEN_AFTER else None


def require_image(*, alone: bool = True) -> None:  # noqa: ARG001 - as in fetch_image
    """Find out, without a pull, whether :func:`fetch_image` could have the image.

    Raises:
        ServiceError: the engine has not got it, and cannot get it.
    """
    if not has_image() and _docker("manifest", "inspect", IMAGE) is None:
        raise ServiceError(f"Docker has no image {IMAGE} and cannot pull it", _PULL_YOURSELF)


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
        self.command = ["docker", "run", "--rm", "--pull", "never", "--name", self._name]
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
        """Tell whether it serves."""
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
        """Return the port outside, 0 as long as the container does not run."""
        said = _docker("port", self._name, f"{inside}/tcp") or ""
        # A line for each address, such as 127.0.0.1:49153.
        port = said.partition("\n")[0].rpartition(":")[2]
        return int(port) if port.isdigit() else 0

    @property
    def alive(self) -> bool:
        """Tell whether its process runs."""
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


def _docker(*arguments: str, seconds: float = 20) -> str | None:
    """Return what a docker command prints, or None when it fails or the engine does not answer."""
    said = _run(*arguments, seconds=seconds)
    return said.stdout if said is not None and said.returncode == 0 else None


def _run(*arguments: str, seconds: float) -> subprocess.CompletedProcess[str] | None:
    """Run a docker command; None when it did not end in time, or cannot be run."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(  # noqa: S603 - our own command
            ["docker", *arguments],  # noqa: S607 - as above
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
        )
    return None
