"""At which depth of a download the students' folders lie, by which files lie side by side.

Two folders that both hold `polling.py` are two people's. What is around them, such as the
assignment's folder, a section's or a week's, is nobody's name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from grader.intake.levels import Levels
from grader.spelling import folded

_EXTRACTED = "extracted"
_BESIDE_HANDED_IN: Mapping[str, Collection[str]] = {
    "submitted": {"source", "release", "autograded", "feedback", "downloaded", "results"},
    "submitted files": {"working files"},
}
"""By the folder that counts, those beside it that do not: nbgrader's, and those of Teams."""


@dataclass
class Layout:
    """Where files lie below the students' level, and what is nobody's."""

    paths: list[PurePosixPath]
    """As given, from the student's folder on; the empty path: not to be looked at."""
    around: list[str] = field(default_factory=list)
    """Folders that are around the students' folders; a line each."""
    torn: dict[str, str] = field(default_factory=dict)
    """Names that may be of two people, and why; nothing of theirs is taken."""


def students_level(
    paths: Sequence[PurePosixPath],
    stem: str,
    names: Collection[str],
    exercises: Collection[str],
    *,
    first: bool = False,
) -> Layout:
    """Cut off what lies around the students' folders.

    Args:
        paths: where all files lie.
        stem: what the download itself is called.
        names: the exercises' files.
        exercises: the exercises' ids, which are no student's name.
        first: the first folder is known to be a student's, unless it is called like the download.

    Raises:
        GraderError: it can be read in two ways.
    """
    found = Layout([*paths] if first else _only_handed_in(_extracted(paths)))
    what = Levels(found.paths, names, exercises)
    depth = what.of_one(stem, first=True) if first else what.depth(stem)
    if not depth:
        return found
    found.around = sorted({"/".join(path.parts[:depth]) for path in what.of})
    found.torn = what.torn(depth)
    found.paths = [
        PurePosixPath(*path.parts[depth:])
        if len(path.parts) > depth and path.parts[depth] not in found.torn
        else PurePosixPath(path.name if len(path.parts) <= depth else "")
        for path in found.paths
    ]
    return found


def holds_several(
    paths: Sequence[PurePosixPath], names: Collection[str], exercises: Collection[str]
) -> bool:
    """Tell whether folders in an archive hold the same file, side by side."""
    return bool(Levels(paths, names, exercises).levels)


def _extracted(paths: Sequence[PurePosixPath]) -> list[PurePosixPath]:
    """Cut off `downloaded/NN/extracted/`, in which nbgrader's `zip_collect` puts students."""
    if not any(_EXTRACTED in path.parts[:-1] for path in paths):
        return [*paths]
    return [
        PurePosixPath(*path.parts[path.parts.index(_EXTRACTED) + 1 :])
        if _EXTRACTED in path.parts[:3]
        else PurePosixPath()
        for path in paths
    ]


def _only_handed_in(paths: Sequence[PurePosixPath]) -> list[PurePosixPath]:
    """Drop the folders beside `submitted` and the like: a teacher's, drafts, copies."""
    kept = list(paths)
    for depth in range(3):
        inside = {folded(path.parts[depth]) for path in kept if len(path.parts) > depth + 1}
        for counts, others in _BESIDE_HANDED_IN.items():
            if counts in inside and inside <= {counts, *others}:
                kept = [
                    path
                    if len(path.parts) > depth + 1 and folded(path.parts[depth]) == counts
                    else PurePosixPath()
                    for path in kept
                ]
    return kept
