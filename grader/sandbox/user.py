"""A sandbox for inside a container that is thrown away: another user, and no more walls than that.

For platforms such as Gradescope, whose container allows no namespaces: the container keeps student
code off the machine, and this keeps it off the judge, who runs as root in the same container. What
anybody in the container may read, and its network, stay open. Never chosen for a class on a
machine of one's own. Sources: setpriv(1), credentials(7), prctl(2).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO, Any, ClassVar

from grader.errors import SandboxError
from grader.host.processes import ProcessInfo, look_at
from grader.sandbox.base import Sandbox, zygote_arguments
from grader.sandbox.bubblewrap import own_user
from grader.sandbox.python import copy_worker, reachable, require_readable_packages, site_packages
from grader.sandbox.seccomp import deny_filter


class UserSandbox(Sandbox):
    """A uid of its own without capabilities, limits for each process, seccomp."""

    kind: ClassVar[str] = "user"
    _seccomp: IO[bytes] | None = None

    def start(self) -> None:
        """Start the first process and wait until it serves."""
        require_root()
        self._uid, gid = own_user()
        state = self.base / "state"
        state.mkdir(mode=0o700)
        os.chown(state, self._uid, gid)
        # The judge's own folder is closed to the student.
        copy_worker(self.base)
        self._seccomp = deny_filter()
        try:
            super().start()
        finally:
            if self._seccomp is not None:
                self._seccomp.close()

    def kill(self) -> None:
        """End every process of the student's user, at once."""
        super().kill()
        if hasattr(self, "_uid"):
            # As that user, since only then one call reaches all of them, and no other's.
            subprocess.run([*_become(self._uid), "sh", "-c", "kill -9 -1"], check=False)  # noqa: S603 - our own command

    def close(self) -> None:
        """End everything, and remove its files, also those left in folders for anybody."""
        self.kill()
        super().close()

    def processes(self) -> list[ProcessInfo]:
        """Return every process of the student's user but the first: also orphans."""
        first = self._popen.pid if self._popen is not None else 0
        mine = [p for p in Path("/proc").glob("[0-9]*") if _owner(p) == self._uid]
        found = [look_at(int(path.name)) for path in mine if int(path.name) != first]
        return [each for each in found if each is not None and not self._is_inits(each)]

    def _is_inits(self, process: ProcessInfo) -> bool:
        """Tell whether it has ended and only the container's first process is to collect it."""
        return process.zombie and _owner(Path(f"/proc/{process.parent}")) != self._uid

    def _command(self, config: dict[str, Any]) -> list[str]:
        config["seccomp"] = None if self._seccomp is None else self._seccomp.fileno()
        return [
            *(*_become(self._uid), sys.executable),
            *zygote_arguments(config, str(self.base / "worker")),
        ]

    def _popen_options(self) -> dict[str, Any]:
        files = [] if self._seccomp is None else [self._seccomp.fileno()]
        env = {"PATH": "/usr/bin:/bin", "HOME": str(self.base / "state"), "LANG": "C.UTF-8"}
        return {"env": env, "pass_fds": files}

    def _inside(self, name: str) -> str:
        return str(self.base / name)

    def _rlimits(self) -> dict[str, int]:
        return super()._rlimits() | {"NPROC": self.setup.limits.processes}


def require_root() -> None:
    """Find out whether another user can be had.

    Raises:
        SandboxError: not here.
    """
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("setpriv") is None:
        raise SandboxError(
            "student code cannot be run as another user here", "That needs Linux, root and setpriv."
        )
    needed = [sys.executable, os.path.realpath(sys.executable), *site_packages()]
    for path in map(Path, needed):
        if not reachable(path.parent):
            raise SandboxError(
                f"{path} cannot be reached by another user", "Install Python where anybody may go."
            )
    require_readable_packages()


def _become(uid: int) -> list[str]:
    return [
        *("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs"),
        "--inh-caps=-all",
        "--bounding-set=-all",
    ]


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:
        return None  # it ended meanwhile
