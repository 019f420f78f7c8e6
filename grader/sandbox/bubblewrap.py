"""The default sandbox on Linux: bubblewrap, without privileges, network or files.

Sources: bwrap(1), user_namespaces(7), setpriv(1), unshare(1).
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO, Any, ClassVar

from grader.errors import SandboxError
from grader.host.interpreter import WORKER
from grader.sandbox.base import Sandbox, zygote_arguments
from grader.sandbox.cgroup import Cgroup, Kills
from grader.sandbox.python import reachable, readable_worker
from grader.sandbox.seccomp import deny_filter
from grader.sandbox.view import (
    ENVIRONMENT,
    ETC_FOLDERS,
    HOSTNAME,
    TMPFS,
    interpreter,
    make_etc,
    python_sources,
    system_folders,
)

UNPRIVILEGED = 1_900_000_000
"""The uid and gid of student code when the grader is root: this, and the grading process's pid.

No distribution gives such a uid to anybody. Each sandbox has one of its own, since some of the
kernel's limits (descriptors in flight, locked memory, pending signals) are counted by user.
"""

_OWN_PROCESSES = 2
"""bubblewrap's outer one, and the one that forks."""


class BubblewrapSandbox(Sandbox):
    """Private namespaces, read-only binds, sized tmpfs, seccomp; root drops to a uid of its own."""

    kind: ClassVar[str] = "bubblewrap"
    _seccomp: IO[bytes] | None = None
    _arguments: IO[bytes] | None = None
    _cgroup: Cgroup | None = None

    def start(self) -> None:
        """Start the first process and wait until it serves."""
        make_etc(self.base / "etc", *own_user())
        limits = self.setup.limits
        name = f"{os.getpid()}-{secrets.token_hex(4)}"
        # The sandbox's own processes count too.
        self._cgroup = Cgroup.make(name, limits.memory_mb << 20, limits.processes + _OWN_PROCESSES)
        try:
            super().start()
        finally:
            for file in (self._seccomp, self._arguments):
                if file is not None:
                    file.close()  # bwrap has its own copy

    @property
    def has_cgroup(self) -> bool:  # type: ignore[override]  # known once it has started
        """Tell whether all its processes together have a limit."""
        return self._cgroup is not None

    def memory_kills(self) -> Kills:
        """Return those of its control group, where it has one."""
        kills = self._cgroup.kills() if self._cgroup is not None else None
        return kills or super().memory_kills()

    def close(self) -> None:
        """End everything inside, wait for it, and remove its files and its control group."""
        super().close()
        if self._cgroup is not None:
            self._cgroup.remove()

    def _command(self, config: dict[str, Any]) -> list[str]:
        worker = readable_worker(self.base) if _root() else WORKER
        sources = [str(worker), *python_sources()]
        reached = {source: source for source in sources}
        mounts = ""
        if _root():
            reached, mounts = self._reach(sources)
        # Inside, the worker has a place of its own, wherever the checkout lies.
        inside = {source: "/worker" if source == str(worker) else source for source in sources}
        command = self._bwrap(config, {reached[source]: inside[source] for source in sources})
        if _root():
            uid, gid = own_user()
            drop = ["setpriv", f"--reuid={uid}", f"--regid={gid}"]
            drop += ["--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
            command = drop + command
        entry = self._cgroup.entry if self._cgroup is not None else ""
        limits = shell_limits(config["limits"])
        shell = ["sh", "-ec", f"{entry}{mounts}{limits}exec {shlex.join(command)}"]
        apart = ["unshare", "--mount", "--propagation", "private"] if mounts else []
        return apart + shell

    def _reach(self, sources: list[str]) -> tuple[dict[str, str], str]:
        """Return where an unprivileged uid finds `sources`, and the mounts that put them there.

        A folder below /root (0700) cannot be reached by path; a bind mount of it, in a mount
        namespace of this sandbox's own, can.
        """
        reached, mounts = {}, []
        for number, source in enumerate(sources):
            if reachable(Path(source)):
                reached[source] = source
                continue
            target = self.base / f"bind{number}"
            target.mkdir()
            reached[source] = str(target)
            mounts.append(f"mount --bind {shlex.quote(source)} {shlex.quote(str(target))}\n")
        return reached, "".join(mounts)

    def _bwrap(self, config: dict[str, Any], places: dict[str, str]) -> list[str]:
        # bubblewrap's own pid 1 would be open to student code, whose uid it has.
        args = ["--unshare-all", "--unshare-user", "--die-with-parent", "--as-pid-1"]
        args += ["--new-session", "--clearenv", "--cap-drop", "ALL"]
        if bwrap_version() >= (0, 8):
            args.append("--disable-userns")
        for name, value in ENVIRONMENT.items():
            args += ["--setenv", name, value]
        args += _system_binds()
        args += ["--ro-bind", str(self.base / "etc"), "/etc", "--hostname", HOSTNAME]
        for folder in (f"/etc/{name}" for name in ETC_FOLDERS):
            args += ["--ro-bind-try", folder, folder]
        # A new namespace's own settings could be written, and would outlive a process that did.
        args += ["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev"]
        for path, size in TMPFS.items():
            args += ["--size", str(size), "--tmpfs", path]
        for outside, inside in places.items():
            args += ["--ro-bind", outside, inside]
        for name in ("submission", "stream"):
            args += ["--ro-bind", str(self.base / name), f"/{name}"]
        args += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/state"]
        if self._seccomp is not None:
            args += ["--seccomp", str(self._seccomp.fileno())]
        # Inside, anybody can read the command line of pid 1, which is a copy of this one.
        assert self._arguments is not None
        self._arguments.write("\0".join(args).encode())
        self._arguments.seek(0)
        descriptor = str(self._arguments.fileno())
        command = [_tool("bwrap"), "--args", descriptor, "--"]
        return [*command, interpreter(), *zygote_arguments(config, "/worker")]

    def _popen_options(self) -> dict[str, Any]:
        self._seccomp = deny_filter()
        self._arguments = tempfile.TemporaryFile()  # noqa: SIM115 - closed by start()
        files = [each for each in (self._seccomp, self._arguments) if each is not None]
        pass_fds = [file.fileno() for file in files]
        # The outer process's environment can be read by the inner ones: it holds nothing.
        return {"env": {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, "pass_fds": pass_fds}

    def _inside(self, name: str) -> str:
        return f"/{name}"

    def _shared_memory(self) -> list[str]:
        return ["/dev/shm"]  # noqa: S108 - inside

    def _rlimits(self) -> dict[str, int]:
        return super()._rlimits() | {"NPROC": self.setup.limits.processes}


def shell_limits(limits: Mapping[str, int]) -> str:
    """Shell commands that set what holds before the sandbox does.

    NPROC is not among them: outside it counts all of the user's processes. The first process
    inside sets each of them again, to the byte.
    """
    units = {"AS": ("v", 1024), "CPU": ("t", 1), "FSIZE": ("f", 512)}
    return "".join(
        f"ulimit -{letter} {limits[name] // unit}\n" for name, (letter, unit) in units.items()
    )


def _root() -> bool:
    return os.geteuid() == 0


def own_user() -> tuple[int, int]:
    """Return the uid and gid of student code: of root's grading process its own, else ours."""
    if not _root():
        return os.getuid(), os.getgid()
    own = UNPRIVILEGED + os.getpid()
    return own, own


def _system_binds() -> list[str]:
    """Return the system's programs and libraries, read-only, laid out as outside."""
    folders, links = system_folders()
    args = []
    for path, target in links.items():
        args += ["--symlink", target, path]
    for path in folders:
        args += ["--ro-bind", path, path]
    return args


@cache
def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise SandboxError(f"{name} is not installed", "Run `sudo apt-get install bubblewrap`.")
    return path


@cache
def bwrap_version() -> tuple[int, ...]:
    """Return the installed bubblewrap's version, such as (0, 8, 0)."""
    command = [_tool("bwrap"), "--version"]
    said = subprocess.run(  # noqa: S603 - found on PATH
        command, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    return tuple(int(number) for number in re.findall(r"\d+", said.stdout))
