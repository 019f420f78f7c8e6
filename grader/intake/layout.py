"""At which depth of a download the students' folders lie, by which files lie side by side.

Two folders that both hold `polling.py` are two people's. What is around them, such as the
assignment's folder, a section's or a week's, is nobody's name.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from grader.course import EXERCISES
from grader.errors import GraderError
from grader.intake.archives import is_archive
from grader.intake.packed import version, without_time
from grader.intake.places import FileKind, kinds
from grader.spelling import folded, squeezed

_DEEPEST = 5
_ABOVE_STUDENTS = {"submitted", "submissions"}
_EXTRACTED = "extracted"
_INSIDE_WORK = {EXERCISES, "src"}
_COPIES = {
    *("old", "new", "final", "draft", "backup", "backups", "copy", "work", "stub", "tmp", "temp"),
    *("alt", "neu", "kopie", "sicherung", "original", "solution", "mine", "src", "code", "bak"),
}
"""What people call folders of their own work, squeezed and without digits."""
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
    what = _Wanted(found.paths, names, exercises)
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
    return bool(_Wanted(paths, names, exercises).levels)


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


class _Wanted:
    """The files of exercises among others, by where they lie."""

    def __init__(
        self, paths: Sequence[PurePosixPath], names: Collection[str], exercises: Collection[str]
    ) -> None:
        wanted = (FileKind.WANTED, FileKind.ARCHIVE)
        given = [without_time(path)[0] for path in paths if path.parts]
        self.of = [p for p, k in zip(given, kinds(given, names), strict=True) if k in wanted]
        self._work = {*_INSIDE_WORK, *exercises}

    def depth(self, stem: str) -> int:
        """Return how many folders are around each student's."""
        levels = self.levels
        if not levels:
            return self.of_one(stem)
        if levels[1:] == [levels[0] + 1]:
            return self._one_of(*levels)
        return levels[0]

    @property
    def levels(self) -> list[int]:
        """The depths at which folders are people's, by what they hold."""
        return [depth for depth in range(_DEEPEST) if self._is_level(depth)]

    def _is_level(self, depth: int) -> bool:
        """Tell whether, in each folder of that depth, several hold the same file."""
        around = self._below(depth)
        return bool(around) and all(self._rivals(inside) for inside in around.values())

    def _below(self, depth: int) -> dict[tuple[str, ...], list[PurePosixPath]]:
        """Return what lies in each folder of that depth; nothing, if a file lies above it."""
        found = defaultdict(list)
        for path in self.of:
            if len(path.parts) <= depth or not self._work.isdisjoint(path.parts[:depth]):
                return {}
            found[path.parts[:depth]].append(PurePosixPath(*path.parts[depth:]))
        return found

    def _rivals(self, inside: Sequence[PurePosixPath]) -> bool:
        """Tell whether two of these folders or archives hold the same file."""
        holders: dict[str, set[str]] = defaultdict(set)
        for path in inside:
            child = path.parts[0]
            if len(path.parts) == 1 and not is_archive(child):
                return False
            if child in self._work:
                return False
            holders[_key(path)].add(folded(child))
        return any(sum(map(_may_be_a_name, some)) > 1 for some in holders.values())

    def _one_of(self, outer: int, inner: int) -> int:
        """Two levels fit: sections of people, or people with several copies each."""
        people = Counter(
            child
            for inside in self._below(inner).values()
            for child in {p.parts[0] for p in inside}
        )
        often = [count > 1 for count in people.values()]
        if all(often):
            return outer
        if not any(often):
            return inner
        some = " and ".join(sorted("/".join(each) for each in self._below(inner))[:2])
        raise GraderError(
            f"{some} hold several people's folders, or several copies of a person's work",
            "Take each of them in by itself, or say --format folder if each is a student.",
        )

    def of_one(self, stem: str, *, first: bool = False) -> int:
        """Of one person, or of several with other files each, only a known name tells."""
        tops = {path.parts[0] for path in self.of}
        inner = {path.parts[1] for path in self.of if len(path.parts) > 2}  # noqa: PLR2004 - TOP/STUDENT/...
        if len(tops) != 1 or any(len(path.parts) < 3 for path in self.of):  # noqa: PLR2004 - as above
            return 0
        top = folded(*tops)
        if not inner.isdisjoint(self._work):
            return 0
        if top in _ABOVE_STUDENTS or (top == folded(stem) and len(inner) > 1):
            return 1
        if not first and len(inner) == 1:
            self._ask_of_one(self.of[0].parts[0], *inner)
        return 0

    def _ask_of_one(self, top: str, inner: str) -> None:
        """Refuse `Homework/Jane/polling.py`, alone: either folder may be the student's."""
        deeper = any(not self._work.isdisjoint(path.parts[2:-1]) for path in self.of)
        if _may_be_a_name(inner) and not deeper:
            raise GraderError(
                f"{top} or {inner} may be the student: {top}/{inner} is all there is",
                f"Say --format folder if it is {top}, or name the folder that holds {inner}.",
            )

    def torn(self, depth: int) -> dict[str, str]:
        """Return the names that two folders around have, for the same file."""
        where: dict[tuple[str, str], set[str]] = defaultdict(set)
        for path in self.of:
            where[path.parts[depth], _key(path)].add("/".join(path.parts[:depth]))
        return {
            name: f"{' and '.join(sorted(some))} both hold {file} of {name}"
            for (name, file), some in where.items()
            if len(some) > 1
        }


def _may_be_a_name(folder: str) -> bool:
    letters = "".join(c for c in squeezed(folder) if not c.isdigit())
    return not version(folder) and letters not in _COPIES


def _key(path: PurePosixPath) -> str:
    """Return what two people both hand in: a file of one name, a notebook, an archive."""
    return "*" if is_archive(path.name) else path.name if path.suffix == ".py" else path.suffix
