"""Processes as the host sees them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grader.errors import SandboxError


@dataclass(frozen=True)
class ProcessInfo:
    """One process. `pid` is as seen from outside the sandbox."""

    pid: int
    name: str
    zombie: bool
    parent: int


def descendants(root: int, own_depth: int) -> list[ProcessInfo]:
    """The processes below `root`, without the first `own_depth` generations. See proc(5).

    Raises:
        SandboxError: this system has no /proc.
    """
    table: dict[int, list[ProcessInfo]] = {}
    proc = Path("/proc")
    if not (proc / "self" / "stat").exists():
        raise SandboxError("this system has no /proc, so processes cannot be counted")
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_bytes().decode(errors="replace")
        except OSError:
            continue  # it ended meanwhile
        # The name stands in parentheses and may itself hold spaces and parentheses.
        before, _, after = stat.rpartition(")")
        state, parent = after.split()[:2]
        name = before.partition("(")[2]
        info = ProcessInfo(int(entry.name), name, state == "Z", int(parent))
        table.setdefault(info.parent, []).append(info)
    found: list[ProcessInfo] = []
    generation = table.get(root, [])
    depth = 1
    while generation:
        if depth > own_depth:
            found += generation
        generation = [child for each in generation for child in table.get(each.pid, [])]
        depth += 1
    return found
