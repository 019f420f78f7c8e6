"""Tells a download that was unpacked, and not taken in, from a folder of submissions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from grader.course import EXERCISES, Course
from grader.errors import GraderError
from grader.intake.classroom import are_repositories
from grader.intake.gradescope import METADATA, is_submission
from grader.intake.names import guess
from grader.intake.tops import without_shared_words, words_of

_SORTED = ("folder", "nbgrader")
_ENOUGH = 1000
"""Names that are looked at."""


def require_sorted(directory: Path, course: Course) -> None:
    """Refuse an LMS's download, or GitHub Classroom's: folders are called after more than students.

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
    ids = [each.id for each in course.exercises]
    kind = guess(names, ids) if names else "folder"
    whose = kind.capitalize() if kind not in _SORTED else _by_folders(directory, names, course)
    if whose:
        raise GraderError(
            f"{directory} has the names of a download of {whose}'s, not of students",
            f"Take it in first: `grader intake {directory} submissions`.",
        )


def _by_folders(directory: Path, names: Sequence[PurePosixPath], course: Course) -> str:
    """Return whose download has a folder of that name and with such folders; nothing: nobody's."""
    inside = {path.parts[0] for path in names if len(path.parts) > 1}
    if (directory / METADATA).is_file() or (inside and all(map(is_submission, inside))):
        return "Gradescope"
    repositories = all((directory / each / EXERCISES).is_dir() for each in inside)
    shared = repositories and without_shared_words([*inside], words_of(course))
    if shared or are_repositories(directory.absolute().name, inside):
        return "GitHub Classroom"
    return ""
