"""The default sandbox on Linux: bubblewrap, without privileges, network or files.

Sources: bwrap(1), user_namespaces(7), setpriv(1), unshare(1).
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import IO, Any, ClassVar

from grader.errors import SandboxError
from grader.sandbox.base import INSIDE, Sandbox, reachable, site_packages, zygote_arguments
from grader.sandbox.seccomp import deny_filter

UNPRIVILEGED = 60917
"""The uid and gid of student code when the grader is root: an account that nothing else uses."""

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

    def start(self) -> None:
        """Start the first process and wait until it serves."""
        etc = self.base / "etc"
        etc.mkdir()
        uid, gid = (UNPRIVILEGED, UNPRIVILEGED) if _root() else (os.getuid(), os.getgid())
        for name, text in _ETC.items():
            (etc / name).write_text(text.format(uid=uid, gid=gid))
            (etc / name).chmod(0o644)
        etc.chmod(0o755)
        try:
            super().start()
        finally:
            if self._seccomp is not None:
                self._seccomp.close()  # bwrap has its own copy

    def _command(self, config: dict[str, Any]) -> list[str]:
        sources = _python_sources()
        reached = {source: source for source in sources}
        mounts = ""
        if _root():
            reached, mounts = self._reach(sources)
        bwrap = self._bwrap(config, reached)
        if not _root():
            return bwrap
        dropped = [
            *("setpriv", f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--clear-groups"),
            *("--inh-caps=-all", "--bounding-set=-all", *bwrap),
        ]
        if not mounts:
            return dropped
        script = f"{mounts}exec {shlex.join(dropped)}"
        return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script]

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
        args = [_tool("bwrap"), "--unshare-all", "--unshare-user", "--die-with-parent"]
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
        return [*args, "--", _interpreter(), *zygote_arguments(config, "/worker")]

    def _popen_options(self) -> dict[str, Any]:
        self._seccomp = deny_filter()
        pass_fds = (self._seccomp.fileno(),) if self._seccomp is not None else ()
        # The outer process's environment can be read by the inner ones: it holds nothing.
        return {"env": {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, "pass_fds": pass_fds}

    def _inside(self, name: str) -> str:
        return f"/{name}"

    def _own_depth(self) -> int:
        return 2  # bwrap's pid 1 and the zygote, both below the outer bwrap

    def _rlimits(self) -> dict[str, int]:
        return super()._rlimits() | {"NPROC": self.setup.limits.processes}


def _root() -> bool:
    return os.geteuid() == 0


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
    said = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - found on PATH
    return tuple(int(number) for number in re.findall(r"\d+", said.stdout))
