"""Tells a download that was unpacked, and not taken in, from a folder of submissions."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path, PurePosixPath

from grader.errors import GraderError
from grader.intake.names import guess

_SORTED = ("folder", "nbgrader")
_ENOUGH = 1000
"""Names that are looked at."""


def require_sorted(directory: Path, exercises: Collection[str]) -> None:
    """Refuse an LMS's download: its folders are called after more than their student.

    Two attempts of one student would be two people's, and the gradebook would find nobody.

    Raises:
        GraderError: most of what lies in `directory` has the names of an LMS's download.
    """
    names: list[PurePosixPath] = []
    with suppress(OSError):  # who reads the submissions says it
        for each in sorted(directory.iterdir()):
            if each.is_dir() and not each.is_symlink():
                with suppress(OSError):
                    inside = sorted(each.iterdir())
                    names += [PurePosixPath(each.name, file.name) for file in inside]
            elif each.suffix:
                names.append(PurePosixPath(each.name))
            if len(names) > _ENOUGH:
                break
    kind = guess(names, exercises) if names else "folder"
    if kind not in _SORTED:
        raise GraderError(
            f"{directory} has the names of a download of {kind.capitalize()}'s, not of students",
            f"Take it in first: `grader intake {directory} submissions`.",
        )
