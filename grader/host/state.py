"""The folder in which this user's servers are written down, from one command to the next."""

from __future__ import annotations

import os
from pathlib import Path

from grader.errors import ServiceError


def folder_of_state() -> Path:
    """Return the folder's path; it may not be there yet.

    Raises:
        ServiceError: this user has no home folder, and no other is named.
    """
    home = os.environ.get("XDG_STATE_HOME")
    try:
        return Path(home or Path.home() / ".local" / "state") / "stream-course"
    except RuntimeError:
        raise ServiceError(
            "this user has no home folder", "Set XDG_STATE_HOME to a folder."
        ) from None


def state_folder() -> Path:
    """Return the folder, for this user alone; made when missing.

    Raises:
        ServiceError: it cannot be made or written.
    """
    folder = folder_of_state()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ServiceError(
            f"{folder} cannot be made ({error.strerror})", "Set XDG_STATE_HOME to another folder."
        ) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ServiceError(f"{folder} cannot be written", "Set XDG_STATE_HOME to another folder.")
    return folder
