"""A sandbox as a suite sees it: folders, ports, and new processes of the student's."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

from grader.course import Limits
from grader.errors import SandboxError
from grader.sandbox import syscalls
from grader.sandbox.folder import Folder
from grader.sandbox.inside import importing, wire
from grader.sandbox.output import Output
from grader.sandbox.processes import ProcessInfo, descendants, end_process
from grader.services.holding import hold

INSIDE = Path(__file__).parent / "inside"
PREFIX = "grader-"
"""How the folder of a sandbox is called in the system's temporary folder: PREFIX, pid, more."""
_START_SECONDS = 30
_REPLY_LIMITS = 3
"""How many of course.toml's limits for a step the first process inside has for an answer."""
_PATIENCE = 2
"""Seconds for ending strays: one that forks may be faster for a while."""
_SO_PASSCRED = getattr(socket, "SO_PASSCRED", None)


class SandboxDied(Exception):  # noqa: N818 - the event, not an error of ours
    """The sandbox's own process is gone: the student's code ended it."""


@dataclass
class Spawned:
    """A process of the student's, standing still before its first request."""

    channel: socket.socket
    pid: int
    """As seen from outside; 0 where the system does not tell."""
    pidfd: int | None
    output: Output
    write_listener: int | None = None
    """Descriptor of a seccomp listener, when the process stops at writes."""


@dataclass(frozen=True)
class Setup:
    """What a sandbox is made for."""

    files: Mapping[str, bytes]
    """The submission: file names and contents."""
    ports: Sequence[int] = ()
    """Ports on which services answer inside, as in the lessons."""
    services: Sequence[str] = ()
    limits: Limits = field(default_factory=Limits)


class Control(ABC):
    """How the first process inside gets its end of the control socket."""

    address: int | str
    """For the process inside: the descriptor that it inherits, or the path that it connects to."""
    descriptors: tuple[int, ...]
    """What it inherits."""

    @abstractmethod
    def connected(self, process: subprocess.Popen[bytes]) -> socket.socket:
        """Our end, once `process` was started.

        Raises:
            TimeoutError: the process inside did not connect.
        """


class _Pair(Control):
    """A socket pair, one end of which is inherited."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self.address = self._theirs.fileno()
        self.descriptors = (self._theirs.fileno(),)

    def connected(self, process: subprocess.Popen[bytes]) -> socket.socket:  # noqa: ARG002 - as above
        self._theirs.close()
        return self._ours


class Sandbox(ABC):
    """One submission's processes, and the first of them, which forks the others."""

    kind: ClassVar[str]
    """The name in a report."""
    has_cgroup = False
    """Whether all its processes together have a limit."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.base = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=scratch_home()))
        self._hold: int | None = hold(self.base)
        self._control: socket.socket | None = None
        self._popen: subprocess.Popen[bytes] | None = None
        self._own: frozenset[int] = frozenset()
        """The pids of the sandbox's own processes below the outer one."""
        self.listeners: dict[int, tuple[socket.socket, int]] = {}
        """For each asked port: the listening socket, and its number as the consumer sees it."""
        self.output = Output(setup.limits.output_kb * 1024, self.kill)

    # What the kinds differ in ------------------------------------------------

    @abstractmethod
    def _command(self, config: dict[str, Any]) -> list[str]:
        """The command that runs inside/zygote.py with `config`."""

    @abstractmethod
    def _popen_options(self) -> dict[str, Any]:
        """What subprocess.Popen needs besides."""

    @abstractmethod
    def _inside(self, name: str) -> str:
        """The path of the folder `name` (stream, state, submission) inside."""

    def _ports(self) -> list[int]:
        return list(self.setup.ports)

    def _new_control(self) -> Control:
        return _Pair()

    # Life --------------------------------------------------------------------

    def start(self) -> None:
        """Start the first process and wait until it serves.

        Raises:
            SandboxError: it did not start.
        """
        self.base.chmod(0o711)
        for name in ("submission", "stream"):
            (self.base / name).mkdir()
            (self.base / name).chmod(0o755)
        for name, data in self.setup.files.items():
            path = self.base / "submission" / name
            path.write_bytes(data)
            path.chmod(0o444)
        control = self._new_control()
        config = {
            "control": control.address,
            "submission": self._inside("submission"),
            "state": self._inside("state"),
            "site": site_packages(),
            "listen": self._ports(),
            "preload": [m for s in self.setup.services for m in importing.CLIENTS[s]],
            "modules": [name.removesuffix(".py") for name in self.setup.files],
            "limits": self._rlimits(),
            "worker_limits": self._worker_rlimits(),
        }
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed below, read when the start fails
        with errors:
            options = self._popen_options()
            fds = (*control.descriptors, *options.pop("pass_fds", ()))
            self._popen = subprocess.Popen(  # noqa: S603 - our own command
                self._command(config),
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                pass_fds=fds,
                start_new_session=True,
                **options,
            )
            try:
                self._control = control.connected(self._popen)
                ready, fds_in = self._reply(4 + len(self.setup.ports))
            except (SandboxDied, TimeoutError):
                self.kill()
                errors.seek(0)
                said = errors.read(2000).decode(errors="replace").strip()
                raise SandboxError(
                    f"the {self.kind} sandbox did not start: {said or 'no reason given'}",
                    "Run `grader doctor` to see what is missing.",
                ) from None
        # Nothing of the student's has run yet.
        if sys.platform == "linux":
            self._own = frozenset(each.pid for each in descendants(self._popen.pid))
        state, *listening = fds_in
        self.stream = Folder.at(self.base / "stream", self._inside("stream"))
        self.state = Folder(state, self._inside("state"), self._write_state)
        for port, fd, actual in zip(self.setup.ports, listening, ready["ports"], strict=True):
            self.listeners[port] = (socket.socket(fileno=fd), actual)

    @property
    def alive(self) -> bool:
        """Whether new processes can be started in it."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def whole(self) -> bool:
        """Whether the submission's files still are where they were put."""
        return all((self.base / "submission" / name).is_file() for name in self.setup.files)

    def kill(self) -> None:
        """End everything inside, at once."""
        if self._popen is not None and self._popen.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._popen.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """End everything inside, wait for it, and remove its files."""
        self.kill()
        if self._popen is not None:
            self._popen.wait()
        if self._control is not None:
            self._control.close()
        self.output.close()
        for listener, _ in self.listeners.values():
            listener.close()
        for folder in (getattr(self, "stream", None), getattr(self, "state", None)):
            if folder is not None:
                folder.close()
        shutil.rmtree(self.base, ignore_errors=True)
        if self._hold is not None:
            os.close(self._hold)
            self._hold = None

    # What a suite asks of it --------------------------------------------------

    def spawn(self, *, stop_at_writes: bool = False) -> Spawned:
        """Fork a new process of the student's.

        Raises:
            SandboxDied: there is nothing left to fork from.
            SandboxError: the system cannot stop a process at its writes.
        """
        ours, theirs = socket.socketpair()
        if _SO_PASSCRED is not None:
            ours.setsockopt(socket.SOL_SOCKET, _SO_PASSCRED, 1)
        read_end, write_end = os.pipe()
        fds = [theirs.fileno(), write_end]
        request: dict[str, Any] = {"op": "spawn"}
        program = None
        if stop_at_writes:
            program = syscalls.write_filter()
            fds.append(program.fileno())
            request["seccomp_syscall"] = syscalls.SECCOMP
        try:
            reply, _ = self._ask(request, fds)
        except SandboxDied:
            os.close(read_end)
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(write_end)
            if program is not None:
                program.close()
        self.output.watch(read_end)
        return self._greet(ours, reply)

    def _greet(self, channel: socket.socket, reply: dict[str, Any]) -> Spawned:
        """Wait for the new process's hello, which carries its credentials."""
        channel.settimeout(self.setup.limits.seconds)
        size = socket.CMSG_SPACE(struct.calcsize("3i")) + socket.CMSG_SPACE(4)
        try:
            data, ancillary, _, _ = channel.recvmsg(4096, size)
        except (TimeoutError, ConnectionError):
            data, ancillary = b"", []
        channel.settimeout(None)
        pid, listener = 0, None
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                (listener,) = struct.unpack_from("i", payload)
            elif level == socket.SOL_SOCKET:
                pid = struct.unpack_from("3i", payload)[0]
        if not data.endswith(b"\n"):
            channel.close()
            raise SandboxDied("a new process ended before it could run anything")
        if _SO_PASSCRED is None:
            pid = int(reply["pid"])
        pidfd = None
        if pid and hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                pidfd = os.pidfd_open(pid)
        return Spawned(channel, pid, pidfd, self.output, listener)

    def connect(self, host: str, port: int) -> socket.socket:
        """A connection to a server inside.

        Raises:
            ConnectionRefusedError: nothing listens there.
        """
        reply, fds = self._ask({"op": "connect", "host": host, "port": port}, [])
        if reply.get("errno") is not None or not fds:
            raise ConnectionRefusedError(reply.get("errno") or 0, str(reply.get("reason")))
        return socket.socket(fileno=fds[0])

    def processes(self) -> list[ProcessInfo]:
        """Every process inside but the sandbox's own."""
        if not self.alive:
            return []
        assert self._popen is not None
        return [each for each in descendants(self._popen.pid) if each.pid not in self._own]

    def end_strays(self) -> None:
        """End what the student's code left running; the whole sandbox where that does not help."""
        if sys.platform != "linux":
            return  # processes cannot be found there, and only a learner's own code runs
        deadline = time.monotonic() + _PATIENCE
        while left := [each.pid for each in self.processes() if not each.zombie]:
            if time.monotonic() > deadline:
                self.kill()
                return
            for pid in left:
                end_process(pid)

    # Internals ---------------------------------------------------------------

    def _write_state(self, name: str, data: bytes) -> None:
        self._ask({"op": "write", "name": name, "data": wire.encode(data)}, [])

    def _ask(self, request: dict[str, Any], fds: list[int]) -> tuple[dict[str, Any], list[int]]:
        if self._control is None or not self.alive:
            raise SandboxDied("the sandbox is gone")
        try:
            socket.send_fds(self._control, [wire.dump(request)], fds)
        except OSError:
            raise SandboxDied("the sandbox is gone") from None
        return self._reply(1, _REPLY_LIMITS * self.setup.limits.seconds)

    def _reply(
        self, max_fds: int, seconds: float = _START_SECONDS
    ) -> tuple[dict[str, Any], list[int]]:
        assert self._control is not None
        deadline = time.monotonic() + seconds
        while not select.select([self._control], [], [], 0.5)[0]:
            if time.monotonic() > deadline:
                self.kill()  # stopped, or starved by the student's processes
                raise SandboxDied("the sandbox does not answer")
        try:
            data, fds, _, _ = socket.recv_fds(self._control, 1 << 16, max_fds)
            return wire.load(data), fds
        except (OSError, wire.WireError):
            raise SandboxDied("the sandbox is gone") from None

    def _rlimits(self) -> dict[str, int]:
        limits = self.setup.limits
        return {
            "AS": limits.memory_mb << 20,
            "CORE": 1,  # byte: with 0 the kernel still starts a program that core_pattern names
            "CPU": limits.total_seconds,
            "FSIZE": 64 << 20,
        }

    def _worker_rlimits(self) -> dict[str, int]:
        """What holds for the student's processes alone."""
        return {"NOFILE": 256}

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def reachable(path: Path) -> bool:
    """Whether every folder down to `path` may be entered by anybody."""
    return all(each.stat().st_mode & 0o001 for each in (path, *path.parents))


def scratch_home() -> str:
    """Where sandboxes have their folders: the system's temporary folder.

    Root's may be closed to the unprivileged uid that student code runs as.
    """
    usual = tempfile.gettempdir()
    if reachable(Path(usual)):
        return usual
    return next((p for p in ("/tmp", "/var/tmp") if Path(p).is_dir()), usual)  # noqa: S108


def site_packages() -> list[str]:
    """Where this interpreter's third-party packages lie."""
    return [p for p in sys.path if p.endswith(("site-packages", "dist-packages"))]


def zygote_arguments(config: dict[str, Any], inside: str) -> list[str]:
    """The interpreter's arguments that run the first process; `inside` holds the package.

    Without `site`, so that nothing a machine's .pth files or sitecustomize start is inside; without
    buffers, so that what was printed is known also when a kill follows.
    """
    start = f"import sys; sys.path.insert(0, {inside!r}); from inside.zygote import main; main()"
    return ["-I", "-S", "-u", "-c", start, json.dumps(config)]
