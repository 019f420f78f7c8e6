"""A folder that is in use says so by a lock: its holder's pid means nothing in another container.

A lock ends with its process, however that ends, and holds for everybody who shares the file
system. Source: flock(2).
"""

from __future__ import annotations

import os
from pathlib import Path


def hold(folder: Path) -> int:
    """Mark `folder` as in use until the descriptor is closed, or this process has ended."""
    import fcntl  # noqa: PLC0415 - Windows has none, and no servers or sandboxes of ours

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def held(folder: Path) -> bool:
    """Tell whether somebody holds `folder`; also where it cannot be found out."""
    import fcntl  # noqa: PLC0415 - as above

    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
