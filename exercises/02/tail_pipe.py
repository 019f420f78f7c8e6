"""Exercise 02, first half: follow a file with the `tail` command, through a pipe.

The lesson is in README.md beside this file. Check your work with `pytest exercises/02`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]


def tail_consumer(
    path: str | os.PathLike[str], handle: Callable[[Event], None], *, max_events: int
) -> int:
    """Follow a file of events with `tail` as a child process, and read its output line by line.

    Args:
        path: The file, one JSON object a line. It need not exist yet, and it may be renamed while
            you follow it: the new file of that name is the one to go on with.
        handle: Called with each event, from the file's first line on, soon after it was written.
        max_events: Return right after that many events were handled, however many lines wait.

    Returns:
        How many events were handled.

    A line that is not a JSON object is skipped, and so is a blank one. What `handle` raises leaves
    this function unchanged. However it ends, no `tail` is left: neither running nor a zombie.
    """
    raise NotImplementedError("start tail with subprocess.Popen and read its stdout")
