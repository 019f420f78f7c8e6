"""The machine's Python as a sandbox shows it, and whether another user may read it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from grader.errors import SandboxError
from grader.host.interpreter import WORKER

_LOOK_DEPTH = 2
"""Levels of a folder of packages to look at: files that are installed together have like modes."""
_ENTER_AND_LIST = 0o005
_READ = 0o004


def reachable(path: Path) -> bool:
    """Tell whether every folder down to `path` may be entered by anybody."""
    return all(each.stat().st_mode & 0o001 for each in (path, *path.parents))


def scratch_home() -> str:
    """Return the folder in which sandboxes have theirs: the system's temporary one.

    Root's may be closed to the unprivileged uid that student code runs as.
    """
    usual = tempfile.gettempdir()
    if reachable(Path(usual)):
        return usual
    return next((p for p in ("/tmp", "/var/tmp") if Path(p).is_dir()), usual)  # noqa: S108


def site_packages() -> list[str]:
    """Return the folders of this interpreter's third-party packages."""
    return [p for p in sys.path if p.endswith(("site-packages", "dist-packages"))]


def readable_worker(folder: Path) -> Path:
    """Return where anybody may read the worker's code: its own folder, or a copy in `folder`.

    A checkout made under umask 077 is its owner's alone.
    """
    if first_unreadable(WORKER) is None:
        return WORKER
    return copy_worker(folder)


def copy_worker(folder: Path) -> Path:
    """Copy the worker's code into `folder` so that anybody may read it; return the copy."""
    copy = folder / "worker"
    shutil.copytree(WORKER, copy)
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return copy


def require_readable_packages() -> None:
    """Find out whether a user without rights may read the installed packages.

    Otherwise an import inside a sandbox fails, and looks like the student's mistake.

    Raises:
        SandboxError: something that is installed is closed to others.
    """
    for folder in map(Path, site_packages()):
        closed = first_unreadable(folder, _LOOK_DEPTH)
        if closed is not None:
            raise SandboxError(
                f"{closed} can be read by its owner alone, and student code runs as another user",
                f"It was installed under a strict umask. Run `chmod -R go+rX {folder}`.",
            )


def first_unreadable(folder: Path, depth: int = sys.maxsize) -> Path | None:
    """Return something in `folder`, or itself, that others may not read; None where they may.

    Args:
        folder: which folders lead to it does not matter.
        depth: levels of folders to look at.
    """
    return next(_closed(folder, depth), None)


def _closed(folder: Path, depth: int) -> Iterator[Path]:
    if folder.stat().st_mode & _ENTER_AND_LIST != _ENTER_AND_LIST:
        yield folder
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if depth > 1:
                    yield from _closed(Path(entry), depth - 1)
            elif not entry.is_symlink() and not entry.stat().st_mode & _READ:
                yield Path(entry)
