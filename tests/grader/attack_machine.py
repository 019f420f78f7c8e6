"""Looks at what a hostile submission could have changed of the machine, before and after."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from grader.host.processes import runs
from grader.sandbox.bubblewrap import UNPRIVILEGED
from grader.sandbox.docker_run import LABEL
from grader.services.kafka import private as kafka_private
from grader.services.redis import private

MOST_PIDS = 1 << 22
"""The largest pid; see proc(5)."""
ORDINARY = 60918
"""A uid that nothing else uses, other than that of the sandboxes."""


def running() -> Iterator[str]:
    """Processes of sandboxes, and servers of submissions, whose grader has ended."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        uid = int(text.partition("\nUid:\t")[2].split("\t")[0])
        pids = [
            uid - base
            for base in (UNPRIVILEGED, private.USERS, kafka_private.USERS)
            if base < uid <= base + MOST_PIDS
        ]
        if uid == ORDINARY or any(not runs(pid) for pid in pids):
            yield text.partition("\t")[2].partition("\n")[0]


def left(paths: Iterable[Path], part: int = 1) -> list[str]:
    """Return the paths whose grader has ended; its pid is that part of their names."""
    owned = [(path, path.name.split("-")[part]) for path in paths]
    return sorted(str(path) for path, pid in owned if pid.isdigit() and not runs(int(pid)))


def groups() -> Iterator[Path]:
    """Control groups of graders; others' come and go meanwhile, which os.walk does not mind."""
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        yield from (Path(folder, name) for name in names if re.match("grader-[^-]+-[^-]+-", name))


def state_of_machine() -> dict[str, Any]:
    """Return what an attack could have changed, without what other graders are doing meanwhile."""
    return {
        "processes": sorted(running()),
        "mounts": Path("/proc/self/mounts").read_text(),
        "core_pattern": Path("/proc/sys/kernel/core_pattern").read_text(),
        "shared memory": sorted(path.name for path in Path("/dev/shm").iterdir()),  # noqa: S108 - the host's
        "sandboxes": left(Path("/tmp").glob("grader-*-*")),  # noqa: S108
        "hostname": socket.gethostname(),
        "message queues": Path("/proc/sysvipc/msg").read_text(),
        "control groups": left(groups(), 2),  # after the namespace of that pid
        "containers": left(map(Path, containers())),
    }


def containers() -> list[str]:
    """Containers of sandboxes, their names beginning as a folder's does."""
    listing = ["docker", "ps", "--all", "--filter", f"label={LABEL}", "--format"]
    row = 'grader-{{.Label "' + LABEL + '"}}-{{.Names}}'
    with suppress(FileNotFoundError):
        said = subprocess.run([*listing, row], capture_output=True, text=True, check=False)
        return said.stdout.split()
    return []


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return what is there now that was not before; what ended meanwhile is nobody's attack."""
    return {
        name: now
        for name, now in after.items()
        if now != before[name] and not (isinstance(now, list) and set(now) <= set(before[name]))
    }


def settled(before: dict[str, Any]) -> dict[str, Any]:
    """The machine once what was killed has gone, which takes the kernel a moment."""
    deadline = time.monotonic() + 5
    while changed(before, found := state_of_machine()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
