"""A sandbox as a suite sees it: folders, ports, and new processes of the student's.

Longer than most: one class from start to end, of which each kind of sandbox overrides some steps.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar, Self

from grader.errors import UnexplainedSandboxError
from grader.host.holding import hold
from grader.host.interpreter import worker_code
from grader.host.processes import ProcessInfo, descendants
from grader.sandbox import syscalls
from grader.sandbox.cgroup import Kills, machine_kills
from grader.sandbox.ending import Ending
from grader.sandbox.folder import Folder
from grader.sandbox.line import START_SECONDS, Control, ControlLine, SandboxDied, SocketPair
from grader.sandbox.output import Output
from grader.sandbox.python import scratch_home, site_packages
from grader.sandbox.setup import Setup
from grader.sandbox.spawned import SO_PASSCRED, Spawned, greet
from grader.worker import wire

PREFIX = "grader-"
"""How the folder of a sandbox is called in the system's temporary folder: PREFIX, pid, more."""
_REPLY_LIMITS = 3
"""How many of course.toml's limits for a step the first process inside has for an answer."""
_PATIENCE = 2
"""Seconds until what was killed has ended."""


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
        self._line: ControlLine | None = None
        self._popen: subprocess.Popen[bytes] | None = None
        self._own: frozenset[int] = frozenset()
        """The pids of the sandbox's own processes below the outer one."""
        self._inner: list[int] = []
        """Descriptors of those processes."""
        self._killed = False
        self._first = False
        """Whether the process that forks is pid 1 of a namespace."""
        self._shared: Folder | None = None
        """The folder of shared memory inside, where the sandbox has one of its own."""
        self.listeners: dict[int, tuple[socket.socket, int]] = {}
        """For each asked port: the listening socket, and its number as the consumer sees it."""
        self.output = Output(setup.limits.output_kb * 1024)

    # What the kinds differ in ------------------------------------------------

    @abstractmethod
    def _command(self, config: dict[str, Any]) -> list[str]:
        """Return the command that runs worker/zygote.py with `config`."""

    @abstractmethod
    def _popen_options(self) -> dict[str, Any]:
        """Return what subprocess.Popen needs besides."""

    @abstractmethod
    def _inside(self, name: str) -> str:
        """Return the path of the folder `name` (stream, state, submission) inside."""

    def _shared_memory(self) -> list[str]:
        """Return the folder of shared memory inside, where nobody else on the machine uses it."""
        return []

    def _ports(self) -> list[int]:
        return list(self.setup.ports)

    def _new_control(self) -> Control:
        return SocketPair()

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
            "folders": [self._inside("state"), *self._shared_memory()],
            "site": site_packages(),
            "listen": self._ports(),
            "preload": self.setup.clients,
            "first_calls": self.setup.first_calls,
            "modules": [name.removesuffix(".py") for name in self.setup.files],
            "limits": self._rlimits(),
            "worker_limits": self._worker_rlimits(),
            "worker_filter": wire.encode(self._worker_filter()),
            "seccomp_syscall": syscalls.SECCOMP,
        }
        options = self._popen_options()
        fds = (*control.descriptors, *options.pop("pass_fds", ()))
        said, says = os.pipe()
        try:
            self._popen = subprocess.Popen(  # noqa: S603 - our own command
                self._command(config),
                stdin=subprocess.DEVNULL,
                stdout=says,
                stderr=says,
                pass_fds=fds,
                start_new_session=True,
                **options,
            )
        finally:
            os.close(says)
            self.output.watch(said)
        try:
            self._line = ControlLine(control.connected(self._popen))
            ready, fds_in = self._line.answer(4 + len(self.setup.ports), START_SECONDS)
        except (SandboxDied, TimeoutError) as error:
            self.kill()
            self._popen.wait()
            self.output.close()
            silent = isinstance(error, TimeoutError)
            did = f"was silent for {START_SECONDS} s" if silent else "ended, and said nothing"
            reason = self.output.tail.strip()[:2000] or f"its first process {did}"
            raise UnexplainedSandboxError(
                f"the {self.kind} sandbox did not start: {reason}"
            ) from None
        self._adopt(ready, fds_in)

    def _adopt(self, ready: dict[str, Any], fds: list[int]) -> None:
        """Take over what the first process opened; nothing of the student's has run yet."""
        self._first = bool(ready["first"])
        assert self._popen is not None
        if sys.platform == "linux":
            self._own = self._first_processes()
            self._inner = [os.pidfd_open(pid) for pid in self._own]
        state, *fds = fds
        self.stream = Folder.at(self.base / "stream", self._inside("stream"))
        self.state = Folder(state, self._inside("state"), self._write_state)
        for path in self._shared_memory():
            self._shared = Folder(fds.pop(0), path, lambda *_: None)
        for port, fd, actual in zip(self.setup.ports, fds, ready["ports"], strict=True):
            self.listeners[port] = (socket.socket(fileno=fd), actual)

    def _first_processes(self) -> frozenset[int]:
        """Return the pids of those that run before any of the student's."""
        assert self._popen is not None
        return frozenset(each.pid for each in descendants(self._popen.pid))

    @property
    def own(self) -> frozenset[int]:
        """The pids of the sandbox's own processes inside."""
        return self._own

    @property
    def alive(self) -> bool:
        """Tell whether new processes can be started in it."""
        return not self._killed and self._popen is not None and self._popen.poll() is None

    @property
    def whole(self) -> bool:
        """Tell whether the submission's files still are where they were put."""
        return all((self.base / "submission" / name).is_file() for name in self.setup.files)

    def kill(self) -> None:
        """End everything inside, at once."""
        self._killed = True
        for inner in self._inner:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(inner, signal.SIGKILL)
        if not self._inner:
            self._kill_outer()

    def _kill_outer(self) -> None:
        if self._popen is not None and self._popen.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._popen.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """End everything inside, wait for it, and remove its files."""
        self.kill()
        if self._popen is not None:
            try:
                # It collects the one inside; whose parent is gone is left to the system's pid 1.
                self._popen.wait(_PATIENCE if self._inner else None)
            except subprocess.TimeoutExpired:
                self._kill_outer()
                self._popen.wait()
        while self._inner:
            inner = self._inner.pop()
            select.select([inner], [], [], _PATIENCE)
            os.close(inner)
        if self._line is not None:
            self._line.close()
        self.output.close()
        for listener, _ in self.listeners.values():
            listener.close()
        for folder in (getattr(self, "stream", None), getattr(self, "state", None), self._shared):
            if folder is not None:
                folder.close()
        shutil.rmtree(self.base, ignore_errors=True)
        if self._hold is not None:
            os.close(self._hold)
            self._hold = None

    # What a suite asks of it --------------------------------------------------

    def spawn(self, *, stop_at_writes: bool = False, stop_at_lines: bool = False) -> Spawned:
        """Fork a new process of the student's.

        Args:
            stop_at_writes: each system call that changes a file waits for the suite.
            stop_at_lines: each line of the student's code waits for the suite.

        Raises:
            SandboxDied: there is nothing left to fork from.
            SandboxError: the system cannot stop a process at its writes.
        """
        ours, theirs = socket.socketpair()
        if SO_PASSCRED is not None:
            ours.setsockopt(socket.SOL_SOCKET, SO_PASSCRED, 1)
        read_end, write_end = os.pipe()
        os.fchmod(write_end, 0o666)  # whoever has it may open /dev/stdout, as with a pipe of theirs
        fds = [theirs.fileno(), write_end]
        request: dict[str, Any] = {"op": "spawn", "lines": stop_at_lines}
        if stop_at_writes:
            request["filter"] = wire.encode(syscalls.write_filter())
        try:
            reply, _ = self._ask(request, fds)
        except SandboxDied:
            os.close(read_end)
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(write_end)
        self.output.watch(read_end)
        return greet(ours, int(reply.get("pid", 0)), self.setup.limits.seconds)

    def connect(self, host: str, port: int) -> socket.socket:
        """Connect to a server inside.

        Raises:
            ConnectionRefusedError: nothing listens there.
        """
        reply, fds = self._ask({"op": "connect", "host": host, "port": port}, [])
        if reply.get("errno") is not None or not fds:
            raise ConnectionRefusedError(reply.get("errno") or 0, str(reply.get("reason")))
        return socket.socket(fileno=fds[0])

    def processes(self) -> list[ProcessInfo]:
        """Return every process inside but the sandbox's own."""
        if not self.alive:
            return []
        assert self._popen is not None
        return [each for each in descendants(self._popen.pid) if each.pid not in self._own]

    def memory_kills(self) -> Kills:
        """Return what the kernel ended for lack of memory: inside, where that is told apart."""
        return machine_kills()

    def disturbance(self) -> str:
        """Return why what was seen since it began says nothing of the student, or empty."""
        return ""

    def end_processes(self, spared: Collection[int] = ()) -> None:
        """End every process of the student's, at once: none sees another die and acts on it.

        Those of the pids `spared` live on, with what began below them; where none does, nothing
        is left in shared memory either. Where a process does not end, the sandbox does.
        """
        if sys.platform != "linux":
            return  # processes cannot be found there, and only a learner's own code runs
        try:
            ended = Ending(self.processes, self._signal_inside if self._first else None).end(spared)
        except SandboxDied:
            ended = False
        if not ended:
            self.kill()
        if self._shared is not None and not spared and self.alive:
            self._shared.clear()

    # Internals ---------------------------------------------------------------

    def _write_state(self, name: str, data: bytes) -> None:
        self._ask({"op": "write", "name": name, "data": wire.encode(data)}, [])

    def _signal_inside(self, number: signal.Signals) -> None:
        self._ask({"op": "signal", "signal": int(number)}, [])

    def _ask(self, request: dict[str, Any], fds: list[int]) -> tuple[dict[str, Any], list[int]]:
        if self._line is None or not self.alive:
            raise SandboxDied("the sandbox is gone")
        try:
            return self._line.ask(request, fds, _REPLY_LIMITS * self.setup.limits.seconds)
        except TimeoutError:
            self.kill()  # stopped, or starved by the student's processes
            raise SandboxDied("the sandbox does not answer") from None

    def _rlimits(self) -> dict[str, int]:
        limits = self.setup.limits
        return {
            "AS": limits.memory_mb << 20,
            "CORE": 1,  # byte: with 0 the kernel still starts a program that core_pattern names
            "CPU": limits.total_seconds,
            "FSIZE": 64 << 20,
            "MSGQUEUE": 0,  # a queue outlives its process
        }

    def _worker_rlimits(self) -> dict[str, int]:
        """Return what holds for the student's processes alone."""
        return {"NOFILE": 256}

    def _worker_filter(self) -> bytes | None:
        """Return the filter of a process that is not stopped at its writes, where there are any."""
        return syscalls.plain_filter() if syscalls.available() else None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def zygote_arguments(config: dict[str, Any], folder: str) -> list[str]:
    """Return the arguments with which Python runs the first process, of the worker in `folder`.

    Without `site`, so that nothing a machine's .pth files or sitecustomize start is inside; without
    buffers, so that what was printed is known also when a kill follows. Text is UTF-8, whatever
    the locale is: for a learner's own code as in a sandbox.
    """
    start = worker_code("zygote", folder)
    return ["-I", "-S", "-u", "-X", "utf8", "-c", start, json.dumps(config)]
