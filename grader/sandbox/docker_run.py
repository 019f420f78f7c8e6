"""The command that makes a container a sandbox: limits, and what of this machine is shown.

Source: docs.docker.com/reference/cli/docker/container/run.
"""

from __future__ import annotations

import csv
import io
import os
import shlex
from functools import cache
from pathlib import Path
from typing import Any

from grader.course import Limits
from grader.host.docker import docker
from grader.sandbox.base import zygote_arguments
from grader.sandbox.bubblewrap import own_user, shell_limits
from grader.sandbox.python import readable_worker
from grader.sandbox.view import (
    ENVIRONMENT,
    ETC_FOLDERS,
    HOSTNAME,
    TMPFS,
    has_ipv6,
    interpreter,
    python_sources,
    system_folders,
)

LABEL = "stream-course.sandbox"
"""The label that names the grading process's pid."""
FILTER = "filter"
"""The file in the folder `control` that holds the seccomp filter, where there is one."""
SHARED = "/dev/shm"  # noqa: S108 - inside
_NOT_OURS = ("/dev/mqueue", "/sys", "/sys/fs/cgroup")
"""What an engine shows by itself, and student code has no use for: covered by an empty folder."""
_ENGINES_OWN = ("hosts", "hostname", "resolv.conf")
"""Files of /etc that an engine writes itself, unless they are mounted."""


def run_command(
    name: str, image: str, base: Path, limits: Limits, config: dict[str, Any]
) -> list[str]:
    """Return the command that runs the first process in a container.

    Args:
        name: the container's.
        image: an empty one.
        base: the sandbox's folder.
        limits: what the submission may use.
        config: of the first process.
    """
    uid, gid = own_user()
    memory = f"{limits.memory_mb}m"
    command = ["docker", "run", "--rm", "--pull", "never", "--name", name]
    command += ["--label", f"{LABEL}={os.getpid()}", "--hostname", HOSTNAME]
    # Without a log: what is printed would be written to the engine's disk.
    command += ["--log-driver", "none", "--network", "none", "--ipc", "private"]
    command += ["--read-only", "--cap-drop", "ALL", "--user", f"{uid}:{gid}"]
    command += ["--security-opt", "no-new-privileges"]
    command += ["--pids-limit", str(limits.processes + 1), "--ulimit", "core=1"]
    command += ["--memory", memory, "--memory-swap", memory]
    command += ["--shm-size", str(TMPFS[SHARED])]
    if has_ipv6():  # an engine takes ::1 from a container without a network
        command += ["--sysctl", "net.ipv6.conf.all.disable_ipv6=0"]
    for path, size in TMPFS.items():
        if path != SHARED:
            command += ["--tmpfs", f"{path}:exec,mode=1777,size={size}"]
    for inside, outside in _mounts(base).items():
        command += ["--mount", _mount(outside, inside)]
    if _driver() == "cgroupfs":
        # Beside other processes: below the engine's own group, all containers have together the
        # share of one process, and a busy machine would let a right submission run out of time.
        command += ["--cgroup-parent", "/"]
    command += ["--workdir", "/state", "--entrypoint", "/bin/sh", image]
    if (base / "control" / FILTER).exists():
        config["seccomp"] = f"/control/{FILTER}"
    # An engine adds variables of its own.
    clean = ["env", "-i", *(f"{name}={value}" for name, value in ENVIRONMENT.items())]
    first = [*clean, "PWD=/state", interpreter(), *zygote_arguments(config, "/worker")]
    return [*command, "-ec", f"{shell_limits(config['limits'])}exec {shlex.join(first)}"]


def _mounts(base: Path) -> dict[str, str]:
    """Return what is shown, all of it read-only: the place inside, and the one outside."""
    folders, _ = system_folders()
    mounts = {path: path for path in folders}
    mounts["/etc"] = str(base / "etc")
    for name in ETC_FOLDERS:
        if Path("/etc", name).is_dir():
            mounts[f"/etc/{name}"] = f"/etc/{name}"
    for name in _ENGINES_OWN:
        mounts[f"/etc/{name}"] = str(base / "etc" / name)
    for path in _NOT_OURS:
        mounts[path] = str(base / "empty")
    mounts |= {path: path for path in python_sources()}
    mounts["/worker"] = str(readable_worker(base))
    for name in ("submission", "stream", "control"):
        mounts[f"/{name}"] = str(base / name)
    return mounts


def _mount(outside: str, inside: str) -> str:
    """Return a value of --mount: fields of a line of CSV, so that a path may hold anything."""
    line = io.StringIO()
    fields = ("type=bind", f"source={outside}", f"target={inside}", "readonly")
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()


@cache
def _driver() -> str:
    """Return what makes the engine's control groups: cgroupfs, or systemd."""
    return (docker("info", "--format", "{{.CgroupDriver}}") or "").strip()
