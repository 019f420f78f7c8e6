"""Which level of a download's folders is that of people, by the files that they hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from grader.course import EXERCISES
from grader.errors import GraderError
from grader.intake.archives import is_archive
from grader.intake.called import (
    begins_as_work,
    is_called_as_work,
    is_part_of,
    may_be_a_name,
    may_be_a_section,
)
from grader.intake.packed import packed_stem, version, without_time
from grader.intake.parts import as_meant, is_packed, key_of, may_be_somebody, owner_of, shown
from grader.intake.places import FileKind, kinds
from grader.spelling import folded, squeezed

_DEEPEST = 5
_ABOVE_STUDENTS = {"submitted", "submissions"}
_CLONES = {"repo", "repository", "myrepo", "clone", "fork"}
_INSIDE_WORK = {EXERCISES, "src"}


class Levels:
    """The files of exercises among others, by where they lie."""

    def __init__(
        self, paths: Sequence[PurePosixPath], names: Collection[str], exercises: Collection[str]
    ) -> None:
        wanted = (FileKind.WANTED, FileKind.ARCHIVE)
        given = [as_meant(without_time(path)[0], names) for path in paths if path.parts]
        self.of = [
            path
            for path, kind in zip(given, kinds(given, names), strict=True)
            if kind in wanted and (len(path.parts) > 1 or is_archive(path.name))
        ]
        self._work = {*_INSIDE_WORK, *exercises}
        self._stems = {squeezed(PurePosixPath(name).stem) for name in names}

    def depth(self, stem: str) -> int:
        """Return how many folders are around each student's.

        Raises:
            GraderError: the folders can be read in two ways.
        """
        levels = self.levels
        if not levels and len({path.parts[0] for path in self.of}) < 2:  # noqa: PLR2004 - one person, or one folder around all
            return self.of_one(stem)
        outer = levels[0] if levels else 0
        folders: dict[tuple[str, ...], list[PurePosixPath]] = defaultdict(list)
        for path in self.of:
            folders[path.parts[: outer + 1]].append(PurePosixPath(*path.parts[outer + 1 :]))
        # Several archives are people's only where everybody's folder holds such.
        everywhere = all(any(map(is_packed, inside)) for inside in folders.values())
        several = {
            "/".join(top)
            for top, inside in folders.items()
            if self._rivals([p for p in inside if everywhere or not is_packed(p)])
            and (levels or all(len(path.parts) > 1 for path in inside))
        }
        if 2 * len(several) < len(folders):  # somebody with copies is no section of a class
            self._ask_of_each(folders, outer)
            return outer
        if len(several) == len(folders) and self._names_differ(folders.values()):
            return outer + 1
        some = " and ".join(sorted(several)[:2])
        raise GraderError(
            f"{some} may hold several people's folders, or several copies of a person's work",
            f"Say --level {outer + 1} if {min(several)} is a student's folder, --level {outer + 2} "
            "if the folders in it are.",
        )

    @property
    def levels(self) -> list[int]:
        """The depths at which folders are people's, by what they hold."""
        return [depth for depth in range(_DEEPEST) if self._is_level(depth)]

    def _is_level(self, depth: int) -> bool:
        """Tell whether, in each folder of that depth, several hold the same file.

        In `Week 2` there may be fewer people than in `Week 1`, and no others.
        """
        around = self._below(depth)
        crowded = {top for top, some in around.items() if self._rivals(some, mixed=True)}
        if not crowded or len(crowded) == len(around):
            return bool(crowded)
        people = {folded(owner_of(path, 0)) for top in crowded for path in around[top]}
        return all(
            (top in crowded or {folded(owner_of(path, 0)) for path in some} <= people)
            and self._is_an_exercise_s(top[-1])
            for top, some in around.items()
        )

    def _below(self, depth: int) -> dict[tuple[str, ...], list[PurePosixPath]]:
        """Return what lies in each folder of that depth; nothing, if a file lies above it."""
        found = defaultdict(list)
        for path in self.of:
            if len(path.parts) <= depth or not self._work.isdisjoint(path.parts[:depth]):
                return {}
            found[path.parts[:depth]].append(PurePosixPath(*path.parts[depth:]))
        return found

    def _rivals(self, inside: Sequence[PurePosixPath], *, mixed: bool = False) -> bool:
        """Tell whether two of these folders or archives hold the same file.

        Args:
            inside: where files lie.
            mixed: whether an archive may be one person's, and a folder with any file another's.
        """
        holders: dict[str, set[str]] = defaultdict(set)
        for path in inside:
            child = path.name if len(path.parts) < 2 else path.parts[0]  # noqa: PLR2004 - FOLDER/FILE
            loose = len(path.parts) < 2 and not is_archive(child)  # noqa: PLR2004 - as above
            if loose or child in self._work:
                return False
            # `work/` and `work.zip` are one person's.
            somebody = may_be_somebody(child) and not self._is_called_as_a_file(packed_stem(child))
            holders[key_of(path)].add(folded(owner_of(path, 0)) if somebody else "")
        packed = holders["*"] if mixed else set()
        return any(len({*some, *packed} - {""}) > 1 for some in [*holders.values()])

    def _ask_of_each(
        self, folders: Mapping[tuple[str, ...], Sequence[PurePosixPath]], depth: int
    ) -> None:
        """Refuse `A/Jane/` beside `B/Zoe/`: sections of one person each, or people called A and B.

        Folders in people's folders that are called like work, or alike, or like their owner, are
        work; and those that hold folders of exercises, unless they are in `Group 1/` and the like.
        """
        inner: dict[str, tuple[str, ...]] = {}
        sections = all(may_be_a_section(top[-1]) for top in folders)
        for top, inside in folders.items():
            for path in inside:
                child = path.parts[0] if len(path.parts) > 1 else ""
                if (
                    not child
                    or self._is_work(child)
                    or not (sections or self._work.isdisjoint(path.parts[1:-1]))
                    or is_part_of(top[-1], child)
                    or inner.setdefault(folded(child), top) != top
                ):
                    return
        names = {folded(path.parts[0]): path.parts[0] for some in folders.values() for path in some}
        if len(folders) > 1:
            first, *others = sorted(inner)
            second = next(child for child in others if inner[child] != inner[first])
            tops = f"{inner[first][-1]} and {inner[second][-1]}"
            people = f"{names[first]} and {names[second]}"
            raise GraderError(
                f"{tops} may be students, or the folders around {people}",
                f"Say --level {depth + 1} if {tops} are students, --level {depth + 2} if {people} "
                "are.",
            )

    def _is_an_exercise_s(self, folder: str) -> bool:
        """Tell whether a folder around people's is a week's, a question's or an exercise's."""
        return (
            self._is_work(folder)
            or begins_as_work(folder)
            or any(stem in squeezed(folder) for stem in self._stems)
        )

    def _is_called_as_a_file(self, folder: str) -> bool:
        return squeezed(folder).strip("0123456789") in self._stems

    def _is_work(self, folder: str) -> bool:
        return (
            folder in self._work
            or self._is_called_as_a_file(folder)
            or is_called_as_work(folder)
            or not may_be_a_name(folder)
        )

    @staticmethod
    def _names_differ(folders: Iterable[Sequence[PurePosixPath]]) -> bool:
        """Tell whether no two of them hold a folder of the same name."""
        people = Counter(
            child for inside in folders for child in {folded(path.parts[0]) for path in inside}
        )
        return max(people.values()) == 1

    def of_one(self, stem: str, *, first: bool = False) -> int:
        """Return the depth of one person's files, or of several people's with other files each."""
        tops = {path.parts[0] for path in self.of}
        if len(tops) != 1:
            return 0
        (top,) = tops
        inner = {path.parts[1] for path in self.of if len(path.parts) > 2}  # noqa: PLR2004 - TOP/STUDENT/...
        loose = any(len(path.parts) < 3 for path in self.of)  # noqa: PLR2004 - as above
        if not inner and not first:
            self._ask_of_an_archive(top)
        if not inner or not inner.isdisjoint(self._work):
            return 0
        if not loose and (
            folded(top) in _ABOVE_STUDENTS or (folded(top) == folded(stem) and len(inner) > 1)
        ):
            return 1
        if not first:
            self._ask_of_some()
            self._ask_of_several(top, loose=loose)
            self._ask_of_a_notebook(top)
            if len(inner) == 1 and not loose:
                self._ask_of_one(top, *inner)
        return 0

    def _ask_of_some(self) -> None:
        """Refuse `Course/b7/Jane/` and `Course/b7/Zoe/` beside `Course/c8/Jane/`.

        They may be people, or what one person's work has in it; either way not all is one file's.
        """
        for depth in range(1, _DEEPEST):
            for top, some in self._below(depth).items():
                if depth > 1 and self._rivals(some):
                    first, second, *_ = sorted({owner_of(path, 0) for path in some})
                    raise GraderError(
                        f"{top[0]} may be a student, or a folder around {first} and {second}",
                        f"Say --level 1 if all is {top[0]}'s, --level {depth + 1} if {first} and "
                        f"{second} are people.",
                    )

    def _ask_of_several(self, top: str, *, loose: bool) -> None:
        """Refuse `Homework/1/` beside `Homework/2/`, and what lies loose beside folders.

        They may be attempts, or people whose names nobody sees.
        """
        holders: dict[str, set[str]] = defaultdict(set)
        for path in self.of:
            if len(path.parts) > 2:  # noqa: PLR2004 - TOP/STUDENT/...
                holders[key_of(path)].add(path.parts[1])
        for some in holders.values():
            names = sorted(some, key=lambda name: (version(name), name))
            people = sum(map(may_be_a_name, names)) > 1 and loose
            if people or sum(map(bool, map(version, names))) > 1:
                raise GraderError(
                    f"{top} may be a student, or the folder around {names[0]} and {names[1]}",
                    f"Say --level 1 if all is {top}'s, --level 2 if {names[0]} and {names[1]} are "
                    "people, whose loose files are put into folders first.",
                )

    def _ask_of_a_notebook(self, top: str) -> None:
        """Refuse `Homework/Jane/a.ipynb` beside `Homework/Zoe/polling.py`.

        A notebook may hold the same file.
        """
        inside: dict[str, set[str]] = defaultdict(set)
        for path in self.of:
            if len(path.parts) > 2 and not self._is_work(path.parts[1]):  # noqa: PLR2004 - TOP/STUDENT/...
                inside[path.parts[1]].add(key_of(path))
        if len(inside) > 1 and any(".ipynb" in keys for keys in inside.values()):
            first, second, *_ = sorted(inside)
            raise GraderError(
                f"{top} may be a student, or the folder around {first} and {second}",
                f"Say --level 1 if all is {top}'s, --level 2 if {first} and {second} are people.",
            )

    def _ask_of_an_archive(self, top: str) -> None:
        """Refuse `Homework/Jane Doe.zip`, alone: a folder called as work is nobody's name."""
        archives = [path.name for path in self.of if is_archive(path.name)]
        if len(archives) != 1 or len(self.of) > 1:
            return
        inner = packed_stem(archives[0])
        named = may_be_somebody(archives[0]) and not self._is_work(inner)
        if named and not is_part_of(top, inner) and (is_called_as_work(top) or begins_as_work(top)):
            raise GraderError(
                f"{top} or {inner} may be the student: {top}/{archives[0]} is all there is",
                f"Say --level 1 if it is {top}, --level 2 if it is {inner}.",
            )

    def _ask_of_one(self, top: str, inner: str) -> None:
        """Refuse `Homework/Jane/polling.py`, alone: either folder may be the student's.

        What holds folders of exercises may be a student's repository, by whatever name.
        """
        deeper = any(not self._work.isdisjoint(path.parts[2:-1]) for path in self.of)
        work = self._is_work(inner) or is_part_of(top, inner) or _is_a_repository(inner)
        if may_be_a_name(inner) and not (deeper and work):
            raise GraderError(
                f"{top} or {inner} may be the student: {top}/{inner} is all there is",
                f"Say --level 1 if it is {top}, --level 2 if it is {inner}.",
            )

    def torn(self, depth: int, inside: Mapping[PurePosixPath, Collection[str]]) -> dict[str, str]:
        """Return the names that two folders around have, for the same file.

        Args:
            depth: of the people's folders.
            inside: the exercises' files in archives, by where those lie.
        """
        where: dict[tuple[str, str], set[str]] = defaultdict(set)
        for path in self.of:
            if len(path.parts) > depth:
                for key in inside.get(path) or (key_of(path),):
                    where[owner_of(path, depth), key].add("/".join(path.parts[:depth]))
        return {
            name: f"{' and '.join(sorted(some))} both hold {shown(file)} of {name}"
            for (name, file), some in where.items()
            if len(some) > 1
        }


def _is_a_repository(folder: str) -> bool:
    """Tell whether it is called `repo`, or as GitHub calls the folder in its zip of one."""
    name = folded(folder)
    return name.endswith(("-main", "-master")) or squeezed(folder).strip("0123456789") in _CLONES
