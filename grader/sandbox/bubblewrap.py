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
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import IO, Any, ClassVar

from grader.errors import SandboxError
from grader.sandbox.base import INSIDE, Sandbox, reachable, site_packages, zygote_arguments
from grader.sandbox.cgroup import Cgroup
from grader.sandbox.seccomp import deny_filter

UNPRIVILEGED = 1_900_000_000
"""The uid and gid of student code when the grader is root: this, and the grading process's pid.

No distribution gives such a uid to anybody. Each sandbox has one of its own, since some of the
kernel's limits (descriptors in flight, locked memory, pending signals) are counted by user.
"""

_OWN_PROCESSES = 3
"""Two of bubblewrap's and the one that forks."""
_SYSTEM = ("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/share/zoneinfo")
_ROOT_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
_ETC = {
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "passwd": "student:x:{uid}:{gid}::/tmp:/bin/sh\n",
    "group": "student:x:{gid}:\n",
}
_TMPFS = {"/tmp": 64 << 20, "/state": 64 << 20, "/dev/shm": 16 << 20}  # noqa: S108 - inside


class BubblewrapSandbox(Sandbox):
    """Private namespaces, read-only binds, sized tmpfs, seccomp; root drops to a uid of its own."""

    kind: ClassVar[str] = "bubblewrap"
    _seccomp: IO[bytes] | None = None
    _arguments: IO[bytes] | None = None
    _cgroup: Cgroup | None = None

    def start(self) -> None:
        """Start the first process and wait until it serves."""
        etc = self.base / "etc"
        etc.mkdir()
        uid, gid = own_user()
        for name, text in _ETC.items():
            (etc / name).write_text(text.format(uid=uid, gid=gid), encoding="utf-8")
            (etc / name).chmod(0o644)
        etc.chmod(0o755)
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
        """Whether all its processes together have a limit."""
        return self._cgroup is not None

    def close(self) -> None:
        """End everything inside, wait for it, and remove its files and its control group."""
        super().close()
        if self._cgroup is not None:
            self._cgroup.remove()

    def _command(self, config: dict[str, Any]) -> list[str]:
        sources = _python_sources()
        reached = {source: source for source in sources}
        mounts = ""
        if _root():
            reached, mounts = self._reach(sources)
        command = self._bwrap(config, reached)
        if _root():
            uid, gid = own_user()
            drop = ["setpriv", f"--reuid={uid}", f"--regid={gid}"]
            drop += ["--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
            command = drop + command
        entry = self._cgroup.entry if self._cgroup is not None else ""
        if not mounts and not entry:
            return command
        shell = ["sh", "-ec", f"{entry}{mounts}exec {shlex.join(command)}"]
        apart = ["unshare", "--mount", "--propagation", "private"] if mounts else []
        return apart + shell

    def _reach(self, sources: list[str]) -> tuple[dict[str, str], str]:
        """Where an unprivileged uid finds `sources`, and the mounts that put them there.

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

    def _bwrap(self, config: dict[str, Any], reached: dict[str, str]) -> list[str]:
        args = ["--unshare-all", "--unshare-user", "--die-with-parent"]
        args += ["--new-session", "--clearenv", "--cap-drop", "ALL"]
        if bwrap_version() >= (0, 8):
            args.append("--disable-userns")
        for name, value in (("PATH", "/usr/bin:/bin"), ("HOME", "/tmp"), ("LANG", "C.UTF-8")):  # noqa: S108
            args += ["--setenv", name, value]
        args += _system_binds()
        args += ["--ro-bind", str(self.base / "etc"), "/etc"]
        args += ["--proc", "/proc", "--dev", "/dev"]
        for path, size in _TMPFS.items():
            args += ["--size", str(size), "--tmpfs", path]
        for source, place in reached.items():
            args += ["--ro-bind", place, "/worker/inside" if source == str(INSIDE) else source]
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
        return [*command, _interpreter(), *zygote_arguments(config, "/worker")]

    def _popen_options(self) -> dict[str, Any]:
        self._seccomp = deny_filter()
        self._arguments = tempfile.TemporaryFile()  # noqa: SIM115 - closed by start()
        files = [each for each in (self._seccomp, self._arguments) if each is not None]
        pass_fds = [file.fileno() for file in files]
        # The outer process's environment can be read by the inner ones: it holds nothing.
        return {"env": {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, "pass_fds": pass_fds}

    def _inside(self, name: str) -> str:
        return f"/{name}"

    def _rlimits(self) -> dict[str, int]:
        return super()._rlimits() | {"NPROC": self.setup.limits.processes}


def _root() -> bool:
    return os.geteuid() == 0


def own_user() -> tuple[int, int]:
    """The uid and gid of student code: for root's grading process its own, else this user's."""
    if not _root():
        return os.getuid(), os.getgid()
    own = UNPRIVILEGED + os.getpid()
    return own, own


def _system_binds() -> list[str]:
    """The system's programs and libraries, read-only, laid out as outside."""
    args = []
    for path in map(Path, (*_SYSTEM, *_ROOT_LINKS)):
        if path.is_symlink():
            args += ["--symlink", str(path.readlink()), str(path)]
        elif path.exists():
            args += ["--ro-bind", str(path), str(path)]
    return args


def _interpreter() -> str:
    """The real interpreter: a virtual environment's link would need the environment inside."""
    return os.path.realpath(sys.executable)


def _python_sources() -> list[str]:
    """What the interpreter, its packages and the worker need, as few folders as possible."""
    sources = [str(INSIDE), *site_packages()]
    prefix = os.path.realpath(sys.base_prefix)
    if prefix != "/usr":
        sources.append(prefix)
    return [s for s in sources if not s.startswith(("/usr/lib/", "/usr/bin/"))]


@cache
def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise SandboxError(f"{name} is not installed", "Run `sudo apt-get install bubblewrap`.")
    return path


@cache
def bwrap_version() -> tuple[int, ...]:
    """The installed bubblewrap's version, such as (0, 8, 0)."""
    command = [_tool("bwrap"), "--version"]
    said = subprocess.run(  # noqa: S603 - found on PATH
        command, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    return tuple(int(number) for number in re.findall(r"\d+", said.stdout))
