"""A private Redis or Valkey from an installed program: own folder and socket, memory only.

Runs with the 7.0 of Debian 12, the 8.0 of Debian 13, and Valkey 8 and 9.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from grader.errors import ServiceError
from grader.host.identity import die_with_parent
from grader.host.interrupts import held
from grader.host.left import OwnedFolder, sweep
from grader.services.redis.config import AT_SOCKET, TRUSTED, at_port, config
from grader.services.redis.server import SECONDS, Server

T = TypeVar("T")

FOLDER_PREFIX = "stream-redis-"
_START_SECONDS = 30
_PAUSE = 0.002
USERS = 1_890_000_000
"""Where root's servers have their uids, by the grader's pid; those of sandboxes lie above."""
_NOBODY = 65534
_LONGEST = 70
"""Of a folder's name: a socket's path may have 107 bytes."""
CPU_SECONDS, ADDRESS_SPACE = 10, 1 << 30
"""Of a submission's server: a few bytes may ask it to look through all that it holds."""


class PrivateServer(Server):
    """A server that nobody else can reach, ended by SIGKILL: it has nothing to save.

    On Linux it also ends with the thread that started it.
    """

    def __init__(self, program: str, *, port: int = 0) -> None:
        """With a `port`, it serves there, on 127.0.0.1, whoever comes; else a submission."""
        self._program = program
        self._port = port
        self._password = "" if port else secrets.token_urlsafe(24)
        self._folder: OwnedFolder | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._serves = False
        self.in_words = program

    def start(self) -> None:
        """Begin to start it."""
        self.stop()
        self._folder = folder = OwnedFolder(FOLDER_PREFIX, home())
        inside = folder.path / "server"
        inside.mkdir(mode=0o700)
        text = config(at_port(self._port) if self._port else AT_SOCKET, self._password)
        try:
            with held():
                self._process = process = self._spawn(inside)
            folder.record(process.pid)
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError), process.stdin:  # `connect` says why
                process.stdin.write(text.encode())
        except (OSError, subprocess.SubprocessError) as error:
            self.stop()
            raise ServiceError(f"{self._program} cannot be started: {error}") from None

    def _spawn(self, inside: Path) -> subprocess.Popen[bytes]:
        before_exec = die_with_parent if self._port else _limited()

        def run(**who: Any) -> subprocess.Popen[bytes]:
            if who:
                os.chown(inside, who["user"], who["group"])
            with (inside.parent / "output").open("ab") as output:
                return subprocess.Popen(  # noqa: S603 - our own command
                    [self._program, "-"],
                    cwd=inside,
                    env={**os.environ, "LANG": "C.UTF-8"},
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # Ctrl-C does not reach it before its clients
                    preexec_fn=before_exec,  # noqa: PLW1509 - system calls alone
                    **who,
                )

        return as_servers_user(run)

    def connect(self) -> socket.socket:
        """Return a connection to it; waits until it serves."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                server = self._connect()
            except OSError:
                if self._serves:
                    raise
                self._check_starting(deadline)
                time.sleep(_PAUSE)
            else:
                self._serves = True
                server.settimeout(None)
                return server

    def _connect(self) -> socket.socket:
        if self._port:
            return socket.create_connection(("127.0.0.1", self._port), SECONDS)
        if self._folder is None:
            raise ConnectionRefusedError("it does not run")
        server = socket.socket(socket.AF_UNIX)
        try:
            server.settimeout(SECONDS)
            server.connect(self._socket)
        except BaseException:
            server.close()
            raise
        return server

    @property
    def _socket(self) -> str:
        assert self._folder is not None
        return str(self._folder.path / "server" / "socket")

    def _check_starting(self, deadline: float) -> None:
        """Find out whether it may still come to serve.

        Raises:
            ServiceError: it ended, or takes too long.
        """
        if self.ended(0):
            raise ServiceError(f"{self._program} ended while it started: {self._said()}")
        if time.monotonic() > deadline:
            raise ServiceError(
                f"{self._program} did not serve after {_START_SECONDS} s: {self._said()}",
                "Try again when the machine is less busy.",
            )

    def _said(self) -> str:
        """Return the last of what it printed, on one line."""
        said = ""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                path = self._folder.path / "output"
                said = path.read_text(errors="replace", encoding="utf-8")
        return " ".join(said.split())[-300:] or "it printed nothing"

    def trusted(self) -> dict[str, Any]:
        """Return its place and a login that may do everything; waits until it serves."""
        if not self._serves:
            self.connect().close()
        if self._port:
            return {"host": "127.0.0.1", "port": self._port}
        login = {"username": TRUSTED, "password": self._password}
        return {"unix_socket_path": self._socket, **login}

    def ended(self, within: float) -> bool:
        """Tell whether its process has ended, or does within that many seconds."""
        if self._process is None:
            return True
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def worn_out(self) -> bool:
        """Tell whether it was ended since it had computed for CPU_SECONDS."""
        return self._process is not None and self._process.poll() == -signal.SIGXCPU

    @property
    def pid(self) -> int:
        """Its process; 0 where it does not run."""
        return self._process.pid if self._process is not None else 0

    def join(self) -> None:
        """Wait until its process ends."""
        if self._process is not None:
            self._process.wait()

    def stop(self) -> None:
        """End it at once and remove its folder."""
        self._serves = False
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.close()
            self._process = None
        if self._folder is not None:
            self._folder.remove()
            self._folder = None


def as_servers_user(run: Callable[..., T]) -> T:
    """Call `run` with what subprocess takes to become the user of our servers.

    For root that is one that nothing else uses; its folder is closed to all others by the folder
    around it. Anybody else stays who they are.
    """
    if os.geteuid() != 0:
        return run()
    try:
        uid = USERS + os.getpid()
        return run(user=uid, group=uid, extra_groups=[])
    except (OSError, subprocess.SubprocessError):  # a container may have few uids
        return run(user=_NOBODY, group=_NOBODY, extra_groups=[])


def _limited() -> Callable[[], None]:
    """Return a `preexec_fn`: it bounds what the server may use, and ends it with its parent."""
    import resource  # noqa: PLC0415 - Windows has none

    # The kernel says SIGXCPU at the first limit, and SIGKILL at the second.
    bounds = [(resource.RLIMIT_CPU, CPU_SECONDS, CPU_SECONDS + 2), (resource.RLIMIT_CORE, 0, 0)]
    if sys.platform == "linux":  # macOS refuses it
        bounds.append((resource.RLIMIT_AS, ADDRESS_SPACE, ADDRESS_SPACE))
    limits = []
    for number, *most in bounds:
        hard = resource.getrlimit(number)[1]
        soft, last = (each if hard == resource.RLIM_INFINITY else min(each, hard) for each in most)
        limits.append((number, (soft, last)))

    def before_exec() -> None:
        die_with_parent()
        # The address space comes last: this copy of the grader may have more of it than that, and
        # can get no memory from then on.
        for number, both in limits:
            resource.setrlimit(number, both)

    return before_exec


def home() -> str:
    """Return where servers have their folders: TMPDIR, unless a socket's path were too long."""
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) <= _LONGEST - 40 else "/tmp"  # noqa: S108 - a folder of our own


def sweep_servers() -> None:
    """End and remove what servers left whose owner was killed."""
    sweep(FOLDER_PREFIX, home())
