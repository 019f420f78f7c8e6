"""Repositories of GitHub Classroom: `pipes-jdoe` of the assignment `pipes` is jdoe's.

`gh classroom clone student-repos` puts them into `pipes-submissions/`. Source: its utils.go.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from grader.errors import GraderError
from grader.intake.archives import is_archive
from grader.intake.called import may_be_a_section
from grader.intake.litter import is_litter
from grader.intake.parts import owner_of
from grader.spelling import folded

_AROUND = "-submissions"
_DEEPEST = 3
"""Folders that may lie around the repositories."""
_FEWEST = 2
"""Repositories whose names show what they share."""


class Repositories(NamedTuple):
    """The files with each repository called after its owner."""

    paths: list[PurePosixPath]
    level: int
    """Depth of the repositories, from 1 on; 0: there are none."""


def of_classroom(paths: Sequence[PurePosixPath], stem: str) -> Repositories:
    """Cut the assignment's name off repositories in a folder that is called after it.

    Args:
        paths: where all files lie.
        stem: what the download is called, which may be that folder.
    """
    for depth in range(_DEEPEST):
        around: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for path in paths:
            if _is_inside(path, depth) and not is_litter(path):
                around[path.parts[:depth]].add(owner_of(path, depth))
        if around and all(
            _are_repositories((top or (stem,))[-1], some) for top, some in around.items()
        ):
            return Repositories([_named(path, depth, stem) for path in paths], depth + 1)
    return Repositories([*paths], 0)


def are_repositories(around: str, folders: Collection[str]) -> bool:
    """Tell whether a folder and those in it are called as GitHub Classroom's clones are."""
    return bool(folders) and _are_repositories(around, folders)


def _are_repositories(around: str, folders: Collection[str]) -> bool:
    start = _prefix(around)
    names = [each.removeprefix(start) for each in folders if start and each.startswith(start)]
    # `team-submissions/team-1` are teams, and `student-1` is no login.
    told = any(any(map(str.isalpha, name)) for name in names) and not may_be_a_section(start)
    return told and len(names) == len(folders) and all(names)


def _prefix(around: str) -> str:
    """Return what repositories' names begin with in a folder of that name; nothing: it has none."""
    slug = around.removesuffix(_AROUND)
    return f"{slug}-" if slug and slug != around else ""


def _is_inside(path: PurePosixPath, depth: int) -> bool:
    """Tell whether a folder is at that depth, or an archive that may be one."""
    return len(path.parts) > depth + 1 or (
        len(path.parts) == depth + 1 and is_archive(path.name) and depth > 0
    )


def _named(path: PurePosixPath, depth: int, stem: str) -> PurePosixPath:
    if not _is_inside(path, depth):
        return path
    start = _prefix((path.parts[:depth] or (stem,))[-1])
    name = path.parts[depth].removeprefix(start)
    return PurePosixPath(*path.parts[:depth], name, *path.parts[depth + 1 :])


def known_again(
    names: Collection[str], people: Collection[str], *, repositories: bool, level: int
) -> dict[str, str]:
    """Return whose each is by the folders that are there, where all names begin with one word.

    Args:
        names: of students' folders or archives.
        people: the names of folders that earlier intakes made.
        repositories: whether all hold a course's `exercises`, as students' repositories do.
        level: the depth of the students' folders, from 1 on.

    Raises:
        GraderError: they may be called so, or be repositories of those who are called otherwise.
    """
    there = {folded(each) for each in people}
    if any(folded(name) in there for name in names):
        return {}
    short: dict[str, str] = {}
    for start in _shared_starts(names):
        cut = {name: name.removeprefix(start) for name in names}
        known = [name for name, who in cut.items() if folded(who) in there]
        if len(names) >= _FEWEST and len(known) * 2 >= len(names):
            return cut
        if known or (repositories and not short):
            short = cut
        if known:
            break
    some = sorted(short)[:_FEWEST]
    if not some or not all(sum(map(str.isalpha, who)) > 1 for who in short.values()):
        return {}
    if len(names) < _FEWEST:
        if folded(short[some[0]]) not in there:
            return {}
        raise GraderError(
            f"{some[0]} may be a student, or a repository of {short[some[0]]}, who is there",
            f"Call it {short[some[0]]} if it is that student's, say --level {level} if not.",
        )
    raise GraderError(
        f"{' and '.join(some)} may be students, or repositories of "
        f"{' and '.join(short[name] for name in some)}",
        f"Say --format github if they are repositories of an assignment, --level {level} if the "
        "students are called so.",
    )


def _shared_starts(names: Collection[str]) -> list[str]:
    """Return the words with which all names begin, `pipes-` and `pipes-ann-`, fewest first."""
    words = [name.split("-")[:-1] for name in names]
    found, start = [], ""
    for column in zip(*words, strict=False):
        if len(set(column)) > 1 or not column[0]:
            break
        start += f"{column[0]}-"
        found.append(start)
    return found
