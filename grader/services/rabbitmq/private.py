"""A private RabbitMQ node from an installed server: own ports, own folder, loopback only.

Sources: rabbitmq.com/docs/configure (environment variables, rabbitmq.conf), epmd(1).
Runs with the 3.10 of Debian 12, the 4.0 of Debian 13, and 4.3.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from grader.errors import ServiceError
from grader.host.identity import die_with_parent
from grader.host.left import OwnedFolder, sweep
from grader.host.ports import free_ports
from grader.host.programs import find_program, search_path
from grader.services.rabbitmq.node import Login, Node

FOLDER_PREFIX = "stream-rabbitmq-"
START_SECONDS = 60
_MAX_TRIES = 3
_CONFIG = """\
listeners.tcp.local = 127.0.0.1:{amqp}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management}
default_user = {username}
default_pass = {password}
log.console = false
log.file = node.log
log.file.level = warning
"""


class PrivateNode(Node):
    """A node with everything of its own: ports, epmd, cookie, plugins, folder.

    Its data are thrown away, so it is ended by SIGKILL. On Linux it also ends with the thread
    that spawned it.
    """

    def __init__(
        self, server: Path, login: Login, *, port: int = 0, management_port: int = 0
    ) -> None:
        self._server = server
        self._login = login
        self._wanted = (port, management_port)
        self._tries = 0
        self._deadline = 0.0
        self._owned: OwnedFolder | None = None
        self._folder: Path | None = None
        self._environment: dict[str, str] = {}
        self._epmd: subprocess.Popen[bytes] | None = None
        self._server_process: subprocess.Popen[bytes] | None = None

    def spawn(self) -> None:
        """Begin to start it; `ready` tells when it serves."""
        epmd = find_program("epmd")
        if epmd is None:
            raise ServiceError(
                "rabbitmq-server is installed, but Erlang's epmd is not found",
                "Add the folder of `erl` and `epmd` to PATH.",
            )
        self.stop()
        self._tries += 1
        self._deadline = time.monotonic() + START_SECONDS
        self._owned = OwnedFolder(FOLDER_PREFIX, home_of_nodes())
        self._folder = folder = self._owned.path
        ports = free_ports(*self._wanted, 0, 0)
        self.port, self.management_port, distribution, epmd_port = ports
        self._environment = environment = self._write(folder, distribution, epmd_port)
        # Started here, in the foreground, so that the node does not start one that outlives it.
        self._epmd = self._start([epmd, "-port", str(epmd_port)], folder, environment)
        self._server_process = self._start([str(self._server)], folder, environment)

    def kill(self) -> None:
        """End the server as a power cut would; its data stay."""
        assert self._server_process is not None
        os.killpg(self._server_process.pid, signal.SIGKILL)
        self._server_process.wait()

    def start_again(self) -> None:
        """Begin to start it with the data and ports that it had; `ready` tells when it serves."""
        assert self._folder is not None
        self._tries = _MAX_TRIES  # other ports would be of no use
        self._deadline = time.monotonic() + START_SECONDS
        self._server_process = self._start([str(self._server)], self._folder, self._environment)

    def _write(self, folder: Path, distribution: int, epmd_port: int) -> dict[str, str]:
        """Write the node's files; its whole environment."""
        config = _CONFIG.format(
            amqp=self.port,
            management=self.management_port,
            username=self._login.username,
            password=self._login.password,
        )
        for name, text in {
            "rabbitmq.conf": config,
            "advanced.config": "[].\n",
            "enabled_plugins": "[rabbitmq_management].\n",
        }.items():
            (folder / name).write_text(text, encoding="utf-8")
        (folder / "conf.d").mkdir()
        return {
            "PATH": search_path(),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": "grader@localhost",
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONFIG_FILES": str(folder / "conf.d"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} -setcookie " + secrets.token_hex(16)
            ),
            "ERL_EPMD_PORT": str(epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP": os.devnull,
            # The script then becomes the server, instead of waiting for it as a shell.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def _start(
        self, command: list[str], folder: Path, environment: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        with (folder / "output").open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own command
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one system call, and no thread here
            )
        assert self._owned is not None
        self._owned.record(process.pid)
        return process

    def ready(self) -> bool:
        """Tell whether it serves."""
        assert self._folder is not None
        if not self.alive:
            # What matters may stand long before the end: the server prints its whole state.
            taken = "eaddrinuse" in self._output()
            if taken and self._tries < _MAX_TRIES and not any(self._wanted):
                self.spawn()  # somebody took a port between our asking for it and its use
                return False
            raise ServiceError(f"the private RabbitMQ node ended while it started: {self._said()}")
        if time.monotonic() > self._deadline:
            raise ServiceError(
                f"the private RabbitMQ node was silent for {START_SECONDS} s: {self._said()}",
                "Try again when the machine is less busy.",
            )
        return self.answers()

    def _output(self) -> str:
        """Return all that the node printed."""
        assert self._folder is not None
        return (self._folder / "output").read_text(errors="replace", encoding="utf-8")

    def _said(self) -> str:
        """Return the last of what the node printed, on one line."""
        return " ".join(self._output().split())[-600:] or "it printed nothing"

    @property
    def alive(self) -> bool:
        """Tell whether its process runs."""
        return self._server_process is not None and self._server_process.poll() is None

    def join(self) -> None:
        """Wait until its process ends."""
        if self._server_process is not None:
            self._server_process.wait()

    def stop(self) -> None:
        """End it at once and remove its folder."""
        for process in (self._server_process, self._epmd):
            if process is not None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._server_process = self._epmd = None
        if self._owned is not None:
            self._owned.remove()
            self._owned = self._folder = None


def home_of_nodes() -> str:
    """Return where nodes have their folders: TMPDIR, unless Erlang stumbles over its name."""
    usual = tempfile.gettempdir()
    return usual if usual.isascii() else "/tmp"  # noqa: S108 - mkdtemp makes a folder of our own


def sweep_nodes() -> None:
    """End and remove what nodes left whose owner was killed: processes, folder."""
    sweep(FOLDER_PREFIX, home_of_nodes())
