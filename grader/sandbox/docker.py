"""The sandbox for a Linux machine with a Docker engine and without a working bubblewrap.

The container shows what bubblewrap shows, from this machine's own folders: its image is empty, so
that none is ever pulled, and Python is this one. Only on Linux: the suite and the process inside
pass descriptors through a Unix socket, which reaches into a container but not into the virtual
machine that Docker uses elsewhere.
Source: unix(7) on SO_PEERCRED.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar

from grader.errors import SandboxError, UnexplainedSandboxError
from grader.host.docker import ANSWER_SECONDS, docker
from grader.host.processes import ProcessInfo, descendants, runs
from grader.sandbox import empty_image
from grader.sandbox.base import Sandbox
from grader.sandbox.bubblewrap import own_user
from grader.sandbox.cgroup import Kills, group_of
from grader.sandbox.docker_run import FILTER, LABEL, SHARED, run_command
from grader.sandbox.line import Control
from grader.sandbox.python import require_readable_packages
from grader.sandbox.seccomp import deny_filter
from grader.sandbox.view import make_etc

_START_SECONDS = 60
_ENDED_BY_DOCKER = 125
"""From here on, docker's exit code is not the one of the process inside."""
_CREDENTIALS = struct.Struct("3i")
_GONE_WITHIN = 5


class DockerSandbox(Sandbox):
    """A container without network, capabilities or a writable file system; seccomp as ever."""

    kind: ClassVar[str] = "docker"
    _pid = 0
    """Of the first process inside, as seen from here."""
    _last = Kills(0)
    """What was seen last in the container's control group, which goes when it does."""
    _end: Kills | str = ""
    """Once it has ended by itself: for lack of memory, or what somebody else did."""

    def start(self) -> None:
        """Start the container and wait until its first process serves."""
        self._name = f"stream-sandbox-{os.getpid()}-{secrets.token_hex(4)}"
        self._image = empty_image.require()
        self._began = time.time()
        uid, gid = own_user()
        make_etc(self.base / "etc", uid, gid)
        (self.base / "etc" / "resolv.conf").touch(0o644)
        # With the folders in it that an engine looks for.
        (self.base / "empty" / "fs" / "cgroup").mkdir(parents=True)
        (self.base / "empty").chmod(0o755)
        super().start()

    def _new_control(self) -> Control:
        folder = self.base / "control"
        folder.mkdir()
        folder.chmod(0o711)
        if (program := deny_filter()) is not None:
            with program:
                (folder / FILTER).write_bytes(program.read())
            (folder / FILTER).chmod(0o444)
        return _Listening(folder, "/control/socket")

    def _command(self, config: dict[str, Any]) -> list[str]:
        return run_command(self._name, self._image, self.base, self.setup.limits, config)

    def _popen_options(self) -> dict[str, Any]:
        return {}

    def _inside(self, name: str) -> str:
        return f"/{name}"

    def _shared_memory(self) -> list[str]:
        return [SHARED]

    def _first_processes(self) -> frozenset[int]:
        """Return the one that connected: a container's processes are the engine's children."""
        assert self._line is not None
        said = self._line.socket.getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
        )
        self._pid = _CREDENTIALS.unpack(said)[0]
        if not self._pid:
            raise UnexplainedSandboxError(
                "the processes of the engine's containers are out of sight"
            )
        return frozenset([self._pid])

    @property
    def has_cgroup(self) -> bool:  # type: ignore[override]  # known once it has started
        """Tell whether the engine set the limits that it was asked for; some only warn."""
        group = group_of(self._pid)
        return group is not None and group.limits_memory(self.setup.limits.memory_mb << 20)

    @property
    def alive(self) -> bool:
        """Tell whether new processes can be started in it; an engine that ended leaves it be."""
        if not self._inner:
            return super().alive
        return not self._killed and not select.select(self._inner, [], [], 0)[0]

    def memory_kills(self) -> Kills:
        """Return those of the container's control group, where it can be found."""
        if self._inner and not self.alive:
            end = self._how_it_ended()
            return end if isinstance(end, Kills) else self._last
        group = group_of(self._pid)
        self._last = (group and group.kills()) or super().memory_kills()
        return self._last

    def disturbance(self) -> str:
        """Tell whether somebody else ended the container."""
        if self._line and self._line.silent and self._inner:
            select.select(self._inner, [], [], _GONE_WITHIN)
        if not self._inner or self.alive:
            return ""
        end = self._how_it_ended()
        return end if isinstance(end, str) else ""

    def _how_it_ended(self) -> Kills | str:
        """Return why it ended, unless by its own mistake: nothing inside can signal the first."""
        if self._killed or self._end:
            return self._end
        assert self._popen is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_GONE_WITHIN)
        code = self._popen.poll()
        if code is not None and 0 <= code < _ENDED_BY_DOCKER:
            return ""
        events = ("events", "--since", f"{self._began:.0f}", "--until", f"{time.time() + 1:.0f}")
        of_this = ("--filter", f"container={self._name}", "--format", "{{.Action}}")
        said = docker(*events, *of_this) or ""
        if "oom" in said.split():
            self._end = Kills(self._last.count + 1, own_limit=True)
        else:
            self._end = "the container was ended from outside"
        return self._end

    def processes(self) -> list[ProcessInfo]:
        """Return every process inside but the sandbox's own."""
        if not self._pid or not self.alive:
            return []
        return [each for each in descendants(self._pid) if each.pid not in self._own]

    def kill(self) -> None:
        """End everything inside, at once; the engine removes the container then."""
        if self._inner and not self._killed and not self.alive:
            self._how_it_ended()
        self._killed = True
        try:
            for inner in self._inner:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(inner, signal.SIGKILL)
        except PermissionError:  # the engine gives users of containers other numbers
            self._remove()
        if not self._inner and self._popen is not None and self._popen.poll() is None:
            self._remove()
            self._kill_outer()

    def _remove(self) -> None:
        docker("rm", "--force", "--volumes", self._name)


class _Listening(Control):
    """A Unix socket in a folder that the container sees."""

    def __init__(self, folder: Path, inside: str) -> None:
        self._server = socket.socket(socket.AF_UNIX)
        # The path of a socket may have 107 bytes, and that of a temporary folder many more.
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        try:
            self._server.bind(f"/proc/self/fd/{descriptor}/socket")
        finally:
            os.close(descriptor)
        (folder / "socket").chmod(0o666)  # only this container sees it
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
    if os.geteuid() == 0:
        require_readable_packages()


def sweep(living: Collection[int] = ()) -> None:
    """Remove the containers of graders that were killed; those of the pids in `living` stay."""
    if shutil.which("docker") is None:
        return
    row = '{{.Names}} {{.Label "' + LABEL + '"}}'
    ask = ("ps", "--all", "--filter", f"label={LABEL}", "--format", row)
    listed = docker(*ask, seconds=ANSWER_SECONDS) or ""
    for line in listed.splitlines():
        name, _, pid = line.partition(" ")
        if pid.isdigit() and int(pid) not in living and not runs(int(pid)):
            docker("rm", "--force", "--volumes", name)


def _engine_answers() -> bool:
    return docker("version", "--format", "ok", seconds=ANSWER_SECONDS) is not None
