"""A private Redis or Valkey from an installed program: own folder and socket, memory only.

Sources: redis.io/docs/latest/operate/oss_and_stack/management/config (and /security/acl).
Runs with the 7.0 of Debian 12, the 8.0 of Debian 13, and Valkey 8 and 9.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from grader.errors import ServiceError
from grader.host.identity import die_with_parent
from grader.host.interrupts import held
from grader.host.left import OwnedFolder, sweep
from grader.services.redis.server import SECONDS, Server

FOLDER_PREFIX = "stream-redis-"
_START_SECONDS = 30
_PAUSE = 0.002
_USERS = 1_950_000_000
"""Where root's servers have their uids, by the grader's pid; those of sandboxes lie below."""
_NOBODY = 65534
_LONGEST = 70
"""Of a folder's name: a socket's path may have 107 bytes."""
_CONFIG = """\
dir .
save ""
appendonly no
daemonize no
loglevel warning
maxclients 512
maxmemory-policy noeviction
"""
_AT_SOCKET = """\
port 0
unixsocket socket
unixsocketperm 700
"""
_AT_PORT = """\
port {port}
bind 127.0.0.1
"""
_LIMITED = """\
hz 250
maxmemory 192mb
maxmemory-clients 64mb
maxclients 128
proto-max-bulk-len 4mb
client-query-buffer-limit 8mb
client-output-buffer-limit normal 32mb 16mb 10
user default on nopass ~* &* +@all -@admin -@dangerous -@scripting +info +client|list
user grader on >{password} ~* &* +@all
"""
"""Who is not logged in is the submission, and so is who says RESET."""


class PrivateServer(Server):
    """A server that nobody else can reach, ended by SIGKILL: it has nothing to save.

    On Linux it also ends with the thread that started it.
    """

    def __init__(self, program: str, *, port: int = 0) -> None:
        """With a `port`, it serves there, on 127.0.0.1, whoever comes; else a submission."""
        self._program = program
        self._port = port
        self._password = secrets.token_urlsafe(24)
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
        text = _CONFIG
        text += _AT_PORT.format(port=self._port) if self._port else _AT_SOCKET
        if not self._port:
            text += _LIMITED.format(password=self._password)
        try:
            with held():
                self._process = process = self._spawn(inside)
            folder.record(process.pid)
            assert process.stdin is not None
            with process.stdin:  # no process list shows what stands there
                process.stdin.write(text.encode())
        except (OSError, subprocess.SubprocessError) as error:
            self.stop()
            raise ServiceError(f"{self._program} cannot be started: {error}") from None

    def _spawn(self, inside: Path) -> subprocess.Popen[bytes]:
        if os.geteuid() != 0:
            return self._run(inside)
        try:
            return self._run_as(_USERS + os.getpid(), inside)
        except (OSError, subprocess.SubprocessError):
            return self._run_as(_NOBODY, inside)  # a container may have few uids

    def _run_as(self, uid: int, inside: Path) -> subprocess.Popen[bytes]:
        os.chown(inside, uid, uid)
        return self._run(inside, user=uid, group=uid, extra_groups=[])

    def _run(self, inside: Path, **who: Any) -> subprocess.Popen[bytes]:
        with (inside.parent / "output").open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own command
                [self._program, "-"],
                cwd=inside,
                env={"PATH": os.defpath, "LANG": "C.UTF-8"},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C does not reach it before its clients
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one system call
                **who,
            )

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
        if not self.alive:
            raise ServiceError(f"{self._program} ended while it started: {self._said()}")
        if time.monotonic() > deadline:
            raise ServiceError(
                f"{self._program} did not serve after {_START_SECONDS} s: {self._said()}",
                "Try again when the machine is less busy.",
            )

    def _said(self) -> str:
        """The last of what it printed, on one line."""
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
        login = {"username": "grader", "password": self._password}
        return {"unix_socket_path": self._socket, **login}

    @property
    def alive(self) -> bool:
        """Tell whether its process runs."""
        return self._process is not None and self._process.poll() is None

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


def home() -> str:
    """Where servers have their folders: TMPDIR, unless its name is too long for a socket's path."""
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) <= _LONGEST - 40 else "/tmp"  # noqa: S108 - a folder of our own


def sweep_servers() -> None:
    """End and remove what servers left whose owner was killed."""
    sweep(FOLDER_PREFIX, home())
