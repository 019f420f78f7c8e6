"""The sandbox for a Linux machine with a Docker engine and without a working bubblewrap.

Only there: the suite and the process inside pass descriptors through a Unix socket, which reaches
into a container but not into the virtual machine that Docker uses elsewhere.
Source: docs.docker.com/reference/cli/docker/container/run.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Collection
from typing import Any, ClassVar

from grader.errors import SandboxError
from grader.host.processes import ProcessInfo, runs
from grader.sandbox.base import Control, Sandbox, zygote_arguments
from grader.sandbox.bubblewrap import own_user
from grader.sandbox.cgroup import Kills, group_of
from grader.sandbox.python import readable_worker, site_packages

IMAGE = f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
"""Of this interpreter's version: it imports this interpreter's packages."""
LABEL = "stream-course.sandbox"
"""The label that names the grading process's pid."""
_START_SECONDS = 60
_ANSWER_SECONDS = 5
"""An engine may hang, and every command that grades begins with a look for what others left."""
_COLUMNS = ("pid", "ppid", "sess", "stat", "comm")


class DockerSandbox(Sandbox):
    """A container without network, capabilities or a writable file system."""

    kind: ClassVar[str] = "docker"
    has_cgroup = True

    def start(self) -> None:
        """Start the container and wait until its first process serves."""
        self._name = f"stream-sandbox-{os.getpid()}-{secrets.token_hex(4)}"
        super().start()
        self._own = frozenset(each.pid for each in self.processes())

    def _new_control(self) -> Control:
        folder = self.base / "control"
        folder.mkdir()
        folder.chmod(0o711)
        return _Listening(str(folder / "socket"), "/control/socket")

    def _command(self, config: dict[str, Any]) -> list[str]:
        limits = self.setup.limits
        uid, gid = own_user()
        memory = f"{limits.memory_mb}m"
        volumes = {
            str(self.base / name): f"/{name}" for name in ("submission", "stream", "control")
        }
        volumes[str(readable_worker(self.base))] = "/worker"
        volumes |= {path: path for path in site_packages()}
        command = [
            "docker",
            "run",
            "--rm",
            "--name",
            self._name,
            "--label",
            f"{LABEL}={os.getpid()}",
        ]
        command += ["--network", "none", "--read-only", "--cap-drop", "ALL"]
        command += ["--security-opt", "no-new-privileges", "--user", f"{uid}:{gid}"]
        command += ["--pids-limit", str(limits.processes), "--ulimit", "core=0"]
        command += ["--memory", memory, "--memory-swap", memory, "--shm-size", "16m"]
        for path in ("/tmp", "/state"):  # noqa: S108 - inside
            command += ["--tmpfs", f"{path}:size=64m,mode=1777"]
        for source, target in volumes.items():
            command += ["--volume", f"{source}:{target}:ro"]
        command += ["--workdir", "/state", "--env", "HOME=/tmp", "--pull", "missing"]
        return [*command, IMAGE, "python", *zygote_arguments(config, "/worker")]

    def _popen_options(self) -> dict[str, Any]:
        return {}

    def _inside(self, name: str) -> str:
        return f"/{name}"

    def _shared_memory(self) -> list[str]:
        return ["/dev/shm"]  # noqa: S108 - inside

    def memory_kills(self) -> Kills:
        """Those of the container's control group, where it can be found."""
        group = group_of(next(iter(self._own), 0))
        return (group and group.kills()) or super().memory_kills()

    def processes(self) -> list[ProcessInfo]:
        """Every process inside but the sandbox's own."""
        said = _docker("top", self._name, "-eo", ",".join(_COLUMNS)) or ""
        found = []
        for line in said.splitlines()[1:]:
            # A process may have taken its name away.
            pid, parent, session, state, name = [*line.split(maxsplit=4), ""][:5]
            if int(pid) not in self._own:
                zombie = state.startswith("Z")
                found.append(ProcessInfo(int(pid), name, zombie, int(parent), int(session)))
        return found

    def kill(self) -> None:
        """End everything inside, at once, and remove the container."""
        if self._popen is not None and self._popen.poll() is None:
            _docker("rm", "--force", "--volumes", self._name)
        super().kill()


class _Listening(Control):
    """A Unix socket in a folder that the container sees."""

    def __init__(self, outside: str, inside: str) -> None:
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(outside)
        os.chmod(outside, 0o666)  # noqa: PTH101, S103 - only this container sees it
        self._server.listen(1)
        self.address: int | str = inside
        self.descriptors: tuple[int, ...] = ()

    def connected(self, process: subprocess.Popen[bytes]) -> socket.socket:
        self._server.settimeout(0.5)
        deadline = time.monotonic() + _START_SECONDS
        with self._server:
            while process.poll() is None and time.monotonic() < deadline:
                with contextlib.suppress(TimeoutError):
                    ours = self._server.accept()[0]
                    ours.settimeout(None)
                    return ours
        raise TimeoutError


def require_engine() -> None:
    """Find out whether containers can be walls here.

    Raises:
        SandboxError: there is no engine, or its containers are out of reach for descriptors.
    """
    if sys.platform != "linux":
        raise SandboxError("submissions are graded on Linux", "Use a Linux machine, or WSL2.")
    if shutil.which("docker") is None or not _engine_answers():
        raise SandboxError("no Docker engine answers", "Install bubblewrap, or start Docker.")


def sweep(living: Collection[int] = ()) -> None:
    """Remove the containers of graders that were killed; those of the pids in `living` stay."""
    if shutil.which("docker") is None:
        return
    row = '{{.Names}} {{.Label "' + LABEL + '"}}'
    ask = ("ps", "--all", "--filter", f"label={LABEL}", "--format", row)
    listed = _docker(*ask, seconds=_ANSWER_SECONDS) or ""
    for line in listed.splitlines():
        name, _, pid = line.partition(" ")
        if pid.isdigit() and int(pid) not in living and not runs(int(pid)):
            _docker("rm", "--force", "--volumes", name)


def _engine_answers() -> bool:
    return _docker("version", "--format", "ok", seconds=_ANSWER_SECONDS) is not None


def _docker(*arguments: str, seconds: float = 60) -> str | None:
    """Return what docker prints, or None where it fails, or takes too long."""
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            ["docker", *arguments],  # noqa: S607 - wherever docker is
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=seconds,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout
