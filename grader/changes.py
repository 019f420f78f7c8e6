"""Prints a line whenever a Python file in a folder changed; `grader watch` runs it as a process.

A process, since its parent forks and may have no threads.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from watchfiles import PythonFilter, watch


def main() -> None:
    """Watch the folder argv[1] until the parent has gone."""
    parent = os.getppid()
    # WATCHFILES_FORCE_POLLING is watchfiles' own switch, for drives that send no events.
    for _ in watch(
        Path(sys.argv[1]),
        watch_filter=PythonFilter(),
        debounce=50,
        step=20,
        rust_timeout=1000,
        yield_on_timeout=True,
        recursive=False,
    ):
        if os.getppid() != parent:
            return
        if _:
            print("changed", flush=True)  # noqa: T201 - what it is for


if __name__ == "__main__":
    main()
