"""Select, of the files that somebody handed in, those that can be an exercise's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from pathlib import Path, PurePosixPath

from grader.course import EXERCISES
from grader.intake.archives import is_archive
from grader.intake.litter import installed, is_installed, is_litter
from grader.intake.packed import without_time

_COURSE_OWN = frozenset(
    {"grader", "resources", "solutions", "tests", "benchmarks", "scripts", "docs", "release"}
)
"""Folders of the course beside `exercises`: the program's `services/sqs.py` is no submission."""
_MANIFEST = "course.toml"
_PROGRAM = Path(__file__).parents[1]
_EARLIER = frozenset(PurePosixPath("services", f"{name}.py") for name in ("rabbitmq", "sqs"))
"""Modules of earlier versions of the program that are called as exercises' files are."""
_NOTEBOOK = ".ipynb"


class FileKind(Enum):
    """The kind of a file among those handed in."""

    LITTER = "litter"
    """An operating system's."""
    PASSED_OVER = "passed over"
    """It lies where no submission does."""
    OTHER = "other"
    """It lies where a submission may, and is none."""
    WANTED = "wanted"
    """It has the name of an exercise's file, or is a notebook."""
    ARCHIVE = "archive"


def kinds(paths: Sequence[PurePosixPath], names: Collection[str]) -> list[FileKind]:
    """Return the kind of each of `paths`, which one person handed in.

    Args:
        paths: all of them, since one tells of another: a course.toml, a pyvenv.cfg.
        names: the files of the exercises.
    """
    environments = installed(paths)
    copies = _copies_of_the_course(paths)
    return [_kind(path, names, environments, copies) for path in paths]


def _kind(
    path: PurePosixPath,
    names: Collection[str],
    environments: Collection[PurePosixPath],
    copies: Collection[PurePosixPath],
) -> FileKind:
    if is_litter(path):
        return FileKind.LITTER
    if is_installed(path, environments) or _is_courses_own(path, copies):
        return FileKind.PASSED_OVER
    # `C:polling.py` is wanted too: reading it says why it is not taken.
    name = without_time(path)[0].name
    if name.rpartition(":")[2] in names or path.suffix == _NOTEBOOK:
        return FileKind.WANTED
    return FileKind.ARCHIVE if is_archive(path.name) else FileKind.OTHER


def _copies_of_the_course(paths: Sequence[PurePosixPath]) -> set[PurePosixPath]:
    """Return the roots of the course's copies, such as a repository that is handed in whole."""
    roots = {path.parent for path in paths if path.name == _MANIFEST}
    for path in paths:
        if EXERCISES in path.parts[:-1]:
            roots.add(PurePosixPath(*path.parts[: path.parts.index(EXERCISES)]))
    return roots


def _is_courses_own(path: PurePosixPath, copies: Collection[PurePosixPath]) -> bool:
    for depth, part in enumerate(path.parts[:-1]):
        if part not in _COURSE_OWN:
            continue
        if PurePosixPath(*path.parts[:depth]) in copies:
            return True
        # Installed without the rest, as in `build/lib`.
        inside = PurePosixPath(*path.parts[depth + 1 :])
        if part == "grader" and (inside in _EARLIER or (_PROGRAM / inside).is_file()):
            return True
    return False
