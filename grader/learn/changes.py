"""Prints a line at once, and another whenever a Python file in a folder changed.

`grader watch` runs it as a process, since it forks itself and may have no threads. Whoever reads
the files after the first line is told of every later change. Where the system has no events left
to give, it says :data:`POLLING` and looks at the files three times a second instead.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from watchfiles import PythonFilter, watch

POLLING = b"polling\n"
"""The line that says that no events come."""

Looks = dict[Path, tuple[int, int, int]]


def main() -> None:
    """Watch the folder argv[1] until the parent has gone."""
    parent = os.getppid()
    folder = Path(sys.argv[1])
    known = _look(folder)
    _say_changed()
    try:
        # WATCHFILES_FORCE_POLLING is watchfiles' own switch, for drives that send no events.
        _watch(folder, known, parent, polling=None)
    except (OSError, RuntimeError):  # the latter is the base of watchfiles' own
        # An ordinary user may watch so many files and no more: inotify(7), "/proc interfaces".
        os.write(1, POLLING)
        _watch(folder, known, parent, polling=True)


def _watch(folder: Path, known: Looks, parent: int, *, polling: bool | None) -> None:
    """Say each change after `known` was seen, until the parent has gone."""
    for changes in watch(
        folder,
        watch_filter=PythonFilter(),
        debounce=50,
        step=20,
        rust_timeout=1000,
        yield_on_timeout=True,
        recursive=False,
        force_polling=polling,
    ):
        if os.getppid() != parent:
            return
        # No event comes of what changes before the watch has begun, nor, when it polls, of a
        # second change within one second: it compares whole seconds.
        seen = _look(folder)
        if changes or seen != known:
            _say_changed()
        known = seen


def _look(folder: Path) -> Looks:
    """Return what tells one version of each file from the next."""
    looks: Looks = {}
    for path in folder.glob("*.py"):
        with contextlib.suppress(FileNotFoundError):
            about = path.stat()
            looks[path] = (about.st_mtime_ns, about.st_size, about.st_ino)
    return looks


def _say_changed() -> None:
    # In one piece: with PYTHONUNBUFFERED, print() would write the end of the line by itself.
    os.write(1, b"changed\n")


if __name__ == "__main__":
    main()
