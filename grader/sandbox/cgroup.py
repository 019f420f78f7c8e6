"""A control group around a sandbox: a limit for all its processes together.

An rlimit holds for one process, so that many small ones can take what one may not. A group can be
made by root, or below a group that was delegated to this user. Sources: cgroups(7), and in the
kernel's documentation admin-guide/cgroup-v1/memory, admin-guide/cgroup-v1/pids and
admin-guide/cgroup-v2.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

from grader.host.processes import end_process

PREFIX = "grader-"
"""How a group is called: PREFIX, the namespace of the grader's pid, the pid, and more."""
_FILES = {
    "v1": {"memory": "memory.limit_in_bytes", "pids": "pids.max"},
    "v2": {"memory": "memory.max", "pids": "pids.max"},
}
_NO_SWAP = {"v1": "memory.memsw.limit_in_bytes", "v2": "memory.swap.max"}
_CHARGED = 1 << 20
"""Bytes that the kernel may ask for at once."""
_BUSY = 2
"""Seconds in which the last process of a group that was ended goes away."""


@dataclass(frozen=True)
class Kills:
    """Processes that the kernel ended for lack of memory, so far."""

    count: int
    own_limit: bool = False
    """Whether they ran into the limit of their own group, and not into the machine's."""
    shortages: int | None = None
    """How often memory was short for everybody; None where the count is of one group alone."""

    def more_than(self, before: Kills) -> bool:
        """Tell whether there were more since `before`, but for groups that met their own limit.

        The machine's count has those too, and they are nobody else's affair.
        """
        if self.count <= before.count:
            return False
        return self.shortages is None or self.shortages != before.shortages


def machine_kills(root: Path = Path("/")) -> Kills:
    """Return those of the whole machine, whoever they were; none where nobody tells (proc(5)).

    A process that finds the machine out of memory waits before anything is killed (allocstall); one
    that meets its group's limit does not. The group that this process is in is the sandbox's too.
    """
    fields = _fields(root / "proc" / "vmstat")
    stalls = [count for name, count in fields.items() if name.startswith("allocstall")]
    shortages = sum(stalls) + _kills_beside(root) if stalls else None
    return Kills(fields.get("oom_kill", 0), shortages=shortages)


class Cgroup:
    """Folders of the cgroup file system, one for each hierarchy in use."""

    def __init__(self, folders: list[Path]) -> None:
        self.folders = folders

    @classmethod
    def make(cls, name: str, memory: int, processes: int, root: Path = Path("/")) -> Self | None:
        """Make a group with these limits; None where this user or this system cannot have one.

        Args:
            name: begins with the grader's pid and a hyphen; no other group may have it.
            memory: bytes, for all processes and what they keep in a tmpfs.
            processes: tasks, threads included.
            root: where /proc and /sys/fs/cgroup lie.
        """
        homes = _homes(root)
        folders: list[Path] = []
        try:
            for version, controllers, home in homes:
                folder = home / f"{PREFIX}{_pid_namespace()}-{name}"
                folder.mkdir()
                folders.append(folder)
                limits = {"memory": memory, "pids": processes}
                for controller in controllers:
                    (folder / _FILES[version][controller]).write_text(
                        str(limits[controller]), encoding="utf-8"
                    )
                if "memory" in controllers:
                    with contextlib.suppress(OSError):  # a kernel without swap accounting
                        none = memory if version == "v1" else 0
                        (folder / _NO_SWAP[version]).write_text(str(none), encoding="utf-8")
        except OSError:
            cls(folders).remove()
            return None
        return cls(folders) if folders else None

    @property
    def entry(self) -> str:
        """Shell commands that put the shell itself into the group."""
        return "".join(f"echo $$ > '{folder}/cgroup.procs'\n" for folder in self.folders)

    def pids(self) -> list[int]:
        """Return the processes in the group."""
        found: set[int] = set()
        for folder in self.folders:
            with contextlib.suppress(OSError):
                found.update(
                    map(int, (folder / "cgroup.procs").read_text(encoding="utf-8").split())
                )
        return sorted(found)

    def kills(self) -> Kills | None:
        """Return those of the group's processes; None where it has no limit for memory."""
        for folder in self.folders:
            if (events := folder / "memory.events").exists():
                return Kills(_field(events, "oom_kill"), _field(events, "oom") > 0)
            if (control := folder / "memory.oom_control").exists():
                # The count of version 1 does not tell: was the limit ever reached?
                most = _number(folder / "memory.max_usage_in_bytes")
                reached = most + _CHARGED >= _number(folder / "memory.limit_in_bytes")
                return Kills(_field(control, "oom_kill"), reached)
        return None

    def limits_memory(self, most: int) -> bool:
        """Tell whether its processes together may have that many bytes at most."""
        wanted = [folder / files["memory"] for folder in self.folders for files in _FILES.values()]
        return any(0 < _number(file) <= most for file in wanted)

    def remove(self) -> None:
        """End what is left in the group, and remove it."""
        deadline = time.monotonic() + _BUSY
        while self.folders:
            for pid in self.pids():
                end_process(pid)
            self.folders = [folder for folder in self.folders if not _removed(folder)]
            if self.folders and time.monotonic() > deadline:
                return  # the next run sweeps


def group_of(pid: int, root: Path = Path("/")) -> Cgroup | None:
    """Return the group with a limit for memory that a process is in; None for the topmost."""
    for home, path in _memory_groups(str(pid), root):
        group = Cgroup([home / path])
        if path and group.kills() is not None:
            return group
    return None


def sweep(living: Collection[int] = (), root: Path = Path("/")) -> None:
    """Remove the groups of graders that were killed; those of the pids in `living` stay.

    Those that another namespace of processes made stay too: its pids say nothing here, and a
    container may share the machine's groups.
    """
    for _, _, home in _homes(root):
        for folder in home.glob(f"{PREFIX}{_pid_namespace()}-*"):
            pid = re.match(rf"{PREFIX}\d+-(\d+)-", folder.name)
            if pid and int(pid[1]) not in living and not (root / "proc" / pid[1]).exists():
                Cgroup([folder]).remove()


def _homes(root: Path) -> list[tuple[str, Sequence[str], Path]]:
    """Return where groups can be made: version, which of memory and pids it controls, folder."""
    top = root / "sys" / "fs" / "cgroup"
    if (top / "cgroup.controllers").exists():
        home = _own_group(root, top)
        on = _controllers_below(home)
        if not {"memory", "pids"} <= set(on):
            with contextlib.suppress(OSError):  # only the system's manager may
                (home / "cgroup.subtree_control").write_text("+memory +pids", encoding="utf-8")
            on = _controllers_below(home)
        controllers = [name for name in ("memory", "pids") if name in on]
        return [("v2", controllers, home)] if controllers else []
    names = [name for name in _FILES["v1"] if (top / name / "cgroup.procs").exists()]
    return [("v1", [name], top / name) for name in names]


@cache
def _pid_namespace() -> int:
    """Return the number of this process's pid namespace (namespaces(7))."""
    return Path("/proc/self/ns/pid").stat().st_ino


def _number(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _fields(path: Path) -> dict[str, int]:
    """Return the numbers of a file whose lines are a name and a number; none without the file."""
    try:
        lines = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
        return {name: int(number) for name, number in lines}
    except (OSError, ValueError):
        return {}


def _field(path: Path, name: str) -> int:
    """Return one of them; 0 where there is none."""
    return _fields(path).get(name, 0)


def _kills_beside(root: Path) -> int:
    """Return the kills in the group that this process is in, without those in groups below it.

    A container or a service of systemd may have a limit of its own, for the grader and all.
    """
    kills = 0
    for home, path in _memory_groups("self", root):
        group = home / path if (home / path).is_dir() else home  # a container may see its own alone
        kills += _field(group / "memory.events.local", "oom_kill")
        kills += _field(group / "memory.oom_control", "oom_kill")
    return kills


def _controllers_below(home: Path) -> list[str]:
    try:
        return (home / "cgroup.subtree_control").read_text(encoding="utf-8").split()
    except OSError:
        return []


def _memory_groups(pid: str, root: Path) -> list[tuple[Path, str]]:
    """Return where groups with a limit for memory lie, and which of them a process is in."""
    try:
        lines = (root / "proc" / pid / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    top = root / "sys" / "fs" / "cgroup"
    return [
        (top / controllers, path.lstrip("/"))
        for _, controllers, path in (line.split(":", 2) for line in lines)
        if controllers in ("", "memory")
    ]


def _own_group(root: Path, top: Path) -> Path:
    """Root's is the topmost; another user's is what was delegated to it, if anything."""
    if os.geteuid() == 0:
        return top
    try:
        lines = (root / "proc" / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return top
    own = next((line.partition("::")[2] for line in lines if line.startswith("0::")), "/")
    return top / own.lstrip("/")


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:  # a process is still on its way out
        return False
    return True
