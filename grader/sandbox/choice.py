"""Which sandbox this machine offers, and the refusal where it offers none."""

from __future__ import annotations

import compileall
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from grader.errors import SandboxError
from grader.host.holding import held
from grader.host.interpreter import WORKER
from grader.host.processes import runs
from grader.host.room import require_room
from grader.sandbox import cgroup, docker
from grader.sandbox.base import PREFIX, Sandbox
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.probe import probe, probe_user, require
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.python import require_readable_packages, scratch_home
from grader.sandbox.user import UserSandbox

_INSTALL = (
    "Install bubblewrap (`sudo apt-get install bubblewrap`); "
    "with --unsafe an author may run code that is known to be harmless."
)


def choose(*, unsafe: bool = False) -> type[Sandbox]:
    """Return the kind of sandbox to grade in.

    Raises:
        SandboxError: there is none, and `unsafe` does not allow to go without.
        GraderError: the machine has no room for it.
    """
    require_room(tempfile.gettempdir(), scratch_home())
    if unsafe:
        return ProcessSandbox
    compileall.compile_dir(WORKER, quiet=2)  # no sandbox can write what it compiles
    try:
        require_bubblewrap()
        require(probe())
    except SandboxError:
        try:
            docker.require_engine()
        except SandboxError:
            pass
        else:
            require(probe(docker.DockerSandbox))
            return docker.DockerSandbox
        raise
    return BubblewrapSandbox


def choose_in_container(closed: Sequence[Path]) -> type[Sandbox]:
    """Return the kind for a container that is made for one submission and thrown away with it.

    bubblewrap where the container allows it, else another user in it.

    Args:
        closed: paths that only the judge may open.

    Raises:
        SandboxError: neither holds, so nothing may be graded here.
    """
    try:
        require_bubblewrap()
        require(probe())
    except SandboxError:
        require(probe_user(closed))
        return UserSandbox
    return BubblewrapSandbox


def require_bubblewrap() -> None:
    """Find out whether there is anything to build walls with.

    Raises:
        SandboxError: there is not.
    """
    if sys.platform != "linux":
        raise SandboxError("submissions are graded on Linux", "Use a Linux machine, or WSL2.")
    if shutil.which("bwrap") is None:
        raise SandboxError("no sandbox for submissions: bubblewrap is not installed", _INSTALL)
    if os.geteuid() == 0:
        require_readable_packages()


def own_code() -> type[Sandbox]:
    """Return the kind for a learner's own code: a plain process, which shows it as it is.

    Raises:
        SandboxError: this system cannot fork.
        GraderError: the machine has no room for it.
    """
    if not hasattr(os, "fork"):
        raise SandboxError(
            "the hidden suite needs Linux or macOS",
            "On Windows, use WSL2; the public tests run anywhere.",
        )
    require_room(tempfile.gettempdir())
    return ProcessSandbox


def sweep() -> None:
    """Remove the folders, control groups and containers of sandboxes whose grader was killed."""
    living = set[int]()
    for folder in Path(scratch_home()).glob(f"{PREFIX}*-*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        if not pid.isdigit():
            continue
        if runs(int(pid)) or held(folder):  # in another container, the pid is nobody's here
            living.add(int(pid))
        else:
            shutil.rmtree(folder, ignore_errors=True)
    cgroup.sweep(living)
    docker.sweep(living)
