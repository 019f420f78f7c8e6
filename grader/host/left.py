"""Folders of servers of ours, and what is left of them where their owner was killed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

from grader.host.holding import held, hold
from grader.host.identity import Identity


class OwnedFolder:
    """A folder whose name says which process it belongs to; `sweep` removes it after that."""

    def __init__(self, prefix: str, home: str) -> None:
        """Make it, for this user alone, below `home`."""
        owner = Identity.of(os.getpid())
        begin = f"{prefix}{owner.pid}-{owner.started}-"
        self.path = Path(tempfile.mkdtemp(prefix=begin, dir=home))
        self._hold = hold(self.path)

    def record(self, pid: int) -> None:
        """Write down a process that is to end with the owner.

        For the case that the owner is killed where the kernel does not end the children.
        """
        with (
            contextlib.suppress(ProcessLookupError),
            (self.path / "processes").open("a", encoding="utf-8") as record,
        ):
            identity = Identity.of(pid)
            record.write(json.dumps([identity.pid, identity.started]) + "\n")

    def remove(self) -> None:
        """Remove it with all that is in it."""
        remove_folder(self.path)
        os.close(self._hold)


def sweep(prefix: str, home: str) -> None:
    """End and remove what is left of folders whose owner was killed: processes, folder."""
    for folder in Path(home).glob(f"{prefix}*-*-*"):
        pid, started, _ = folder.name.removeprefix(prefix).split("-", 2)
        with contextlib.suppress(OSError, ValueError):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            if Identity(int(pid), int(started)).alive or held(folder):
                continue
            for line in _lines(folder / "processes"):
                left = Identity(*json.loads(line))
                left.kill()
                left.wait(5)
            remove_folder(folder)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def remove_folder(folder: Path) -> None:
    """Remove a server's folder, though a last process of it may still be writing there."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)
