"""At which depth of a download the students' folders lie, by which files lie side by side.

Two folders that both hold `polling.py` are two people's. What is around them, such as the
assignment's folder, a section's or a week's, is nobody's name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from grader.course import EXERCISES
from grader.errors import GraderError
from grader.intake.archives import is_archive
from grader.intake.levels import Levels
from grader.intake.openolat import only_students
from grader.intake.packed import packed_stem
from grader.intake.parts import may_be_somebody, owner_of
from grader.spelling import folded

Look = Callable[[Sequence[int]], Mapping[int, Sequence[PurePosixPath]]]

_EXTRACTED = "extracted"
_DRAFTS = "working files"
"""Where Teams keeps what a student works at; a copy of what was submitted lies beside."""
_BESIDE_HANDED_IN: Mapping[str, Collection[str]] = {
    "submitted": {"source", "release", "autograded", "feedback", "downloaded", "results"},
    "submitted files": {_DRAFTS},
}
"""By the folder that counts, those beside it that do not: nbgrader's, and those of Teams."""


@dataclass
class Layout:
    """The layout of files below the students' level, and what is nobody's."""

    paths: list[PurePosixPath]
    """As given, from the student's folder on; the empty path: not to be looked at."""
    around: list[str] = field(default_factory=list)
    """Folders that are around the students' folders; a line each."""
    turned: bool = False
    """Whether the exercises' folders lay around the students'."""
    torn: dict[str, str] = field(default_factory=dict)
    """Names that may be of two people, and why; nothing of theirs is taken."""
    unsubmitted: list[str] = field(default_factory=list)
    """Names of people of whom drafts came, and nothing that they submitted."""


def students_level(
    paths: Sequence[PurePosixPath],
    stem: str,
    names: Collection[str],
    exercises: Mapping[str, Collection[str]],
    *,
    first: bool = False,
    level: int = 0,
    look: Look | None = None,
) -> Layout:
    """Cut off what lies around the students' folders.

    Args:
        paths: where all files lie.
        stem: what the download itself is called.
        names: the exercises' files.
        exercises: by the exercises' ids, which are no student's name, their files.
        level: the depth of the students' folders, from 1 on; 0: it is to be found out.
        first: the first folder is known to be a student's, unless it is called like the download.
        look: says which files are in the archives of those numbers.

    Raises:
        GraderError: it can be read in two ways.
    """
    own, known = only_students(paths)
    level = level or (0 if first else known)
    found = Layout(own)
    if not first and not level:
        found.paths = _only_handed_in(_extracted(own))
        found.unsubmitted = _unsubmitted(own, found.paths, names)
        given = found.paths
        found.paths = _students_first(given, names, exercises)
        found.turned = found.paths != given
    what = Levels(found.paths, names, exercises)
    found_out = what.of_one(stem, first=True) if first else 0 if level else what.depth(stem)
    depth = level - 1 if level else found_out
    if not depth:
        return found
    found.around = sorted({"/".join(path.parts[:depth]) for path in what.of})
    several = len(found.around) > 1 and look is not None
    found.torn = what.torn(depth, _inside(found.paths, names, look) if several and look else {})
    found.paths = [
        PurePosixPath(*path.parts[depth:])
        if len(path.parts) > depth and owner_of(path, depth) not in found.torn
        else PurePosixPath(path.name if len(path.parts) <= depth else "")
        for path in found.paths
    ]
    return found


def _inside(
    paths: Sequence[PurePosixPath], names: Collection[str], look: Look
) -> dict[PurePosixPath, set[str]]:
    """Return the exercises' files that each archive among `paths` holds."""
    archives = [number for number, path in enumerate(paths) if is_archive(path.name)]
    found: dict[PurePosixPath, set[str]] = defaultdict(set)
    for number, inside in look(archives).items():
        found[paths[number]] |= {path.name for path in inside if path.name in names}
    return found


def holds_several(
    paths: Sequence[PurePosixPath], names: Collection[str], exercises: Collection[str]
) -> bool:
    """Tell whether folders in an archive hold the same file, side by side."""
    return bool(Levels(paths, names, exercises).levels)


def _students_first(
    paths: Sequence[PurePosixPath], names: Collection[str], exercises: Mapping[str, Collection[str]]
) -> list[PurePosixPath]:
    """Turn `01/jane/polling.py` to `jane/01/polling.py`, where each first folder is an exercise.

    Raises:
        GraderError: they are exercises' folders, and no student's is in them.
    """
    some = Levels(paths, names, exercises).of
    tops = {path.parts[0] for path in some}
    own = [
        path
        for path in some
        if path.name in exercises.get(path.parts[0], ())
        or (len(path.parts) == 2 and is_archive(path.name) and may_be_somebody(path.name))  # noqa: PLR2004 - NN/STUDENT.zip
    ]
    if tops == {EXERCISES} and all(path.name in exercises.get(path.parts[1], ()) for path in some):
        raise _nobodys(EXERCISES, "is the folder of a whole course's exercises", "it")
    others = any(path.suffix == ".py" and path not in own for path in some)
    if not tops or not tops <= {*exercises} or others or not own:
        return [*paths]
    if any(len(path.parts) < 3 and not is_archive(path.name) for path in some):  # noqa: PLR2004 - NN/FILE
        raise _nobodys(min(tops), "is an exercise", "the exercises")
    turned = []
    for path in paths:
        top, *rest = path.parts or ("",)
        who = packed_stem(rest[0]) if len(rest) == 1 else rest[0] if rest else ""
        if top in exercises and who:
            # The exercise beside the file: what is next to the student may be an attempt.
            *inside, name = rest[1:] or rest
            known = () if top in inside else (top,)
            turned.append(PurePosixPath(who, *inside, *known, name))
        else:
            turned.append(path)
    return turned


def _nobodys(folder: str, what: str, these: str) -> GraderError:
    """Return what to say of the work of one student that does not tell whose it is."""
    return GraderError(
        f"{folder} {what}, and no student's name is around or in it",
        f"Put {these} into a folder called like the student, or say --level 1 if {folder} is a "
        "student.",
    )


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


def _unsubmitted(
    given: Sequence[PurePosixPath], kept: Sequence[PurePosixPath], names: Collection[str]
) -> list[str]:
    """Return who has work among the drafts that were dropped, and nothing in what was kept."""
    found = set()
    for path, now in zip(given, kept, strict=True):
        folders = [folded(part) for part in path.parts[:-1]]
        if not now.parts and _DRAFTS in folders[:-1] and path.name in names:
            found.add(path.parts[folders.index(_DRAFTS) + 1])
    there = {part for path in kept for part in path.parts[:-1]}
    return sorted(found - there)
