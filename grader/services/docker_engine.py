"""A Docker engine as the services use it: whether it answers, has an image, and what is left there.

Source: docs.docker.com/reference/cli/docker.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path

from grader.errors import ServiceError
from grader.host.docker import ANSWER_SECONDS, docker, run_docker
from grader.host.identity import Identity
from grader.host.state import folder_of_state, state_folder

_PULL_SECONDS, _PULL_SECONDS_BESIDE = 600, 60
"""What a pull may take: where nothing else can serve, and where something else can."""
_FAILURE = "docker-pull-failed"
_FORGOTTEN_AFTER = 3600
_OWNER = "stream-course.owner"
"""The label that names the process that started a container: its pid and start time."""
_ROW = '{{.Names}} {{.Label "' + _OWNER + '"}}'
ORDINARY = ("there is no docker command", "no Docker engine runs")
"""Problems of an engine that nobody has to hear of."""


def engine_answers() -> bool:
    """Tell whether there is a `docker` command and an engine behind it."""
    return not engine_problem()


def engine_problem() -> str:
    """Return why no Docker engine can be used here, in a few words; "" where one answers."""
    if shutil.which("docker") is None:
        return "there is no docker command"
    said = run_docker("version", "--format", "ok", seconds=ANSWER_SECONDS)
    if said is None:
        return f"the Docker engine gave no answer for {ANSWER_SECONDS:g} s"
    if said.returncode == 0:
        return ""
    reason = said.stderr.decode(errors="replace").lower()
    if "permission denied" in reason:
        return "the Docker engine does not let this user in"
    return "no Docker engine runs"


def has_image(image: str) -> bool:
    """Tell whether the engine has the image, so that nothing need be pulled."""
    return docker("image", "inspect", "--format", "ok", image) is not None


def fetch_image(image: str, or_else: str, *, alone: bool = True) -> None:
    """Pull the image where it is not there yet; that may take minutes, and shows its progress.

    Args:
        image: its name and version.
        or_else: what else helps, as a clause: install the server, for example.
        alone: whether nothing else can serve. Else a pull may take a minute, and one that failed
            within the last hour is not tried again.

    Raises:
        ServiceError: it cannot be had.
    """
    if has_image(image):
        return
    yourself = f"Run `docker pull {image}` where there is a network, or {or_else}."
    if not alone and (minutes := _minutes_since_failure(image)) is not None:
        raise ServiceError(f"Docker could not pull {image} {minutes} min ago", yourself)
    seconds = _PULL_SECONDS if alone else _PULL_SECONDS_BESIDE
    problem = f"Docker could not pull {image}"
    try:
        # Its progress goes to standard error: standard output may be a report.
        done = subprocess.run(  # noqa: S603 - our own command
            ["docker", "pull", image],  # noqa: S607 - wherever docker is
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
        _failure(state_folder(), image).touch()
    raise ServiceError(problem, yourself)


def _failure(folder: Path, image: str) -> Path:
    """Return the file that says when the image could not be pulled."""
    return folder / f"{_FAILURE}-{image.partition(':')[0].replace('/', '-')}"


def _minutes_since_failure(image: str) -> int | None:
    """Return how long ago a pull failed, or None: not within the last hour."""
    try:
        seconds = time.time() - _failure(folder_of_state(), image).stat().st_mtime
    except (ServiceError, OSError):
        return None
    return int(seconds // 60) if 0 <= seconds < _FORGOTTEN_AFTER else None


def require_image(image: str, or_else: str) -> None:
    """Find out, without a pull, whether :func:`fetch_image` could have the image.

    Raises:
        ServiceError: the engine has not got it, and cannot get it.
    """
    if not has_image(image) and docker("manifest", "inspect", image) is None:
        raise ServiceError(
            f"Docker has no image {image} and cannot pull it",
            f"Run `docker pull {image}` where there is a network, or {or_else}.",
        )


def owned(kind: str) -> list[str]:
    """Return the options of `docker run` for a container that ends with this process."""
    owner = Identity.of(os.getpid())
    name = f"stream-{kind}-{owner.pid}-{time.monotonic_ns()}"
    label = f"{_OWNER}={owner.pid}-{owner.started}"
    return ["--rm", "--pull", "never", "--name", name, "--label", label]


def published(container: str, inside: int) -> int:
    """Return the port outside, 0 as long as the container does not run."""
    said = docker("port", container, f"{inside}/tcp") or ""
    # A line for each address, such as 127.0.0.1:49153.
    port = said.partition("\n")[0].rpartition(":")[2]
    return int(port) if port.isdigit() else 0


def remove(container: str) -> None:
    """End a container at once and remove it."""
    docker("rm", "--force", "--volumes", container)


def sweep_containers() -> None:
    """Remove the containers whose owner was killed."""
    listed = docker("ps", "--all", "--filter", f"label={_OWNER}", "--format", _ROW) or ""
    for line in listed.splitlines():
        name, _, owner = line.partition(" ")
        with contextlib.suppress(ValueError):
            pid, started = map(int, owner.split("-"))
            if not Identity(pid, started).alive:
                remove(name)
