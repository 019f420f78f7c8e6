"""CPU time of a command with all the processes that it starts, services included.

A control group around the command counts what its detached processes use as well; it takes root
and a kernel with the controller cpuacct (admin-guide/cgroup-v1/cpuacct in the kernel's
documentation). Elsewhere the time of those processes is taken that were waited for (getrusage(2)).
"""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_CPUACCT = Path("/sys/fs/cgroup/cpuacct")
_LEAVING = 5
"""Seconds in which the last process of a group goes away."""


@dataclass(frozen=True)
class Spent:
    """The time that one run of a command took, in seconds."""

    wall: float
    cpu: float


def run_measured(command: Sequence[str], cwd: Path) -> Spent:
    """Run `command` to its end.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    start = time.perf_counter()
    with _group() as group:
        before = _used(group)
        subprocess.run(
            command,
            cwd=cwd,
            check=True,
            capture_output=True,
            preexec_fn=None if group is None else lambda: _enter(group),
        )
        return Spent(wall=time.perf_counter() - start, cpu=_used(group) - before)


def _enter(group: Path) -> None:
    (group / "cgroup.procs").write_text(str(os.getpid()), encoding="utf-8")


def _used(group: Path | None) -> float:
    if group is not None:
        return int((group / "cpuacct.usage").read_text(encoding="utf-8")) / 1e9
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


@contextmanager
def _group() -> Iterator[Path | None]:
    """Yield a control group of its own; None where none can be made."""
    group = _CPUACCT / f"benchmark-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        yield None
        return
    try:
        yield group
    finally:
        until = time.monotonic() + _LEAVING
        while time.monotonic() < until:
            with suppress(OSError):  # a process of it still ends, of which a group tells nobody
                group.rmdir()
                break
            time.sleep(0.05)
